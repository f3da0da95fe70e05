import { create } from "@bufbuild/protobuf";
import type { TickcastError } from "./errors.js";
import {
  type StreamHeartbeat,
  type StreamPosition,
  StreamPositionSchema,
  type StreamStarted,
  StreamStartMode,
} from "./gen/tickcast/v1/stream_pb.js";

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** What every stream's responses have in common. */
export interface StreamResponse {
  readonly event:
    | { readonly case: "started"; readonly value: StreamStarted }
    | { readonly case: "heartbeat"; readonly value: StreamHeartbeat }
    | { readonly case: string | undefined; readonly value?: unknown };
  readonly position?: StreamPosition | undefined;
}

/** How far a stream has come, and when it is opened again: no I/O, all decisions. */
export class Subscription {
  readonly #positions = new Map<string, StreamPosition>();
  readonly #patienceMs: number;
  readonly #now: () => number;
  #begun = false;
  #downSince: number | undefined;
  #waitMs = FIRST_WAIT_MS;

  constructor(
    resumeAfter: Iterable<StreamPosition>,
    patienceMs: number,
    now = () => performance.now(),
  ) {
    this.#move(resumeAfter);
    this.#patienceMs = patienceMs;
    this.#now = now;
  }

  /** Where each symbol goes on: after the last event that was taken in. */
  get positions(): StreamPosition[] {
    return [...this.#positions.values()];
  }

  /** Takes a response in. Returns whether the call is to be made again from the new positions. */
  received(response: StreamResponse): boolean {
    this.#downSince = undefined;
    this.#waitMs = FIRST_WAIT_MS;
    const { event, position } = response;
    if (isStarted(event)) {
      const missed = this.#begun ? this.#missedBeginnings(event.value) : [];
      if (missed.length > 0) {
        this.#move(missed.map((start) => create(StreamPositionSchema, { ...start, sequence: 0n })));
        return true;
      }
      this.#begun = true;
      this.#move(event.value.starts.flatMap((start) => start.position ?? []));
    } else if (isHeartbeat(event)) {
      this.#move(event.value.positions);
    } else if (position) {
      this.#move([position]);
    }
    return false;
  }

  /** Milliseconds to wait before the next call; undefined when the error is the caller's. */
  waitAfter(error: TickcastError): number | undefined {
    const now = this.#now();
    this.#downSince ??= now;
    if (!(this.#begun && error.retryable) || now - this.#downSince >= this.#patienceMs) {
      return undefined;
    }
    // Clients that lost the same server at once do not come back at once.
    const wait = this.#waitMs * (0.5 + Math.random() / 2);
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    return Math.max(wait, error.retryAfterMs ?? 0);
  }

  /** Symbols that had their first bars while the stream was down. */
  #missedBeginnings(started: StreamStarted): StreamPosition[] {
    return started.starts.flatMap(({ position, mode }) =>
      position &&
      !this.#positions.has(position.symbol) &&
      (position.sequence > 0n || mode === StreamStartMode.SNAPSHOT)
        ? position
        : [],
    );
  }

  #move(positions: Iterable<StreamPosition>): void {
    for (const position of positions) {
      this.#positions.set(position.symbol, position);
    }
  }
}

function isStarted(
  event: StreamResponse["event"],
): event is { case: "started"; value: StreamStarted } {
  return event.case === "started";
}

function isHeartbeat(
  event: StreamResponse["event"],
): event is { case: "heartbeat"; value: StreamHeartbeat } {
  return event.case === "heartbeat";
}
