/** How the page stands to its server. Instants are milliseconds of a clock that never goes back. */
export type ConnectionState = "connecting" | "serving" | "reconnecting" | "away";

/** An outage that is longer than this is one to speak of. */
const AWAY_AFTER_MS = 4_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;

/** Decides, and does no I/O: whether the server is there, and when to try again. */
export class Connection {
  readonly #now: () => number;
  #everHeard = false;
  #lostAt: number | undefined;
  #waitMs = FIRST_WAIT_MS;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get state(): ConnectionState {
    if (this.outageMs === undefined) {
      return this.#everHeard ? "serving" : "connecting";
    }
    return this.outageMs < AWAY_AFTER_MS ? "reconnecting" : "away";
  }

  /** How long the server has been away; undefined when it is not. */
  get outageMs(): number | undefined {
    return this.#lostAt === undefined ? undefined : this.#now() - this.#lostAt;
  }

  /** The server has said something. */
  heard(): void {
    this.#everHeard = true;
    this.#lostAt = undefined;
    this.#waitMs = FIRST_WAIT_MS;
  }

  /** The server could not be reached. Returns how many milliseconds to wait before trying again. */
  lost(): number {
    this.#lostAt ??= this.#now();
    const wait = this.#waitMs;
    this.#waitMs = Math.min(2 * wait, LONGEST_WAIT_MS);
    return wait;
  }
}
