import { Code, type PredictionEvent, type TickcastClient, TickcastError } from "@tickcast/client";
import type { StreamPosition } from "@tickcast/client/v1/stream_pb";
import type { Connection } from "../logic/connection.js";
import { pause } from "./pause.js";

const HEARTBEAT = { seconds: 2n };
/** Some heartbeats that did not come: the connection is there in name only. */
const LONGEST_SILENCE_MS = 7_000;
/** A refusal stays one for a while: until somebody loads a model, or sends bars. */
const REFUSED_WAIT_MS = 2_000;

/** After these the positions are of no use: the stream begins anew, with a snapshot. */
const POSITIONS_REFUSED = new Set(["POSITION_EXPIRED", "POSITION_AHEAD"]);

export interface FeedListener {
  took(event: PredictionEvent): void;
  /** The stream is down, and is opened again after a while. */
  lost(error: TickcastError): void;
}

/** Follows the predictions of a model for all symbols until `signal`, through every outage. */
export async function follow(
  client: TickcastClient,
  model: string,
  connection: Connection,
  listener: FeedListener,
  signal: AbortSignal,
): Promise<void> {
  let positions: readonly StreamPosition[] = [];
  const isOver = () => signal.aborted;
  while (!isOver()) {
    const silence = new Silence();
    const events = client.streamPredictions(
      { model, snapshot: true, resumeAfter: positions, heartbeatInterval: HEARTBEAT },
      { patienceMs: 0, signal: AbortSignal.any([signal, silence.signal]) },
    );
    const error = await readUntilLost(events, silence, (event) => {
      connection.heard();
      listener.took(event);
    });
    if (isOver()) {
      return;
    }
    positions = POSITIONS_REFUSED.has(error.reason) ? [] : events.positions;
    const wait = waitAfter(error, connection);
    listener.lost(error);
    await pause(wait, signal);
  }
}

async function readUntilLost(
  events: AsyncIterable<PredictionEvent>,
  silence: Silence,
  took: (event: PredictionEvent) => void,
): Promise<TickcastError> {
  try {
    for await (const event of events) {
      silence.broken();
      took(event);
    }
    return new TickcastError(Code.Unavailable, "the server has fallen silent", []);
  } catch (thrown) {
    return TickcastError.from(thrown);
  } finally {
    silence.end();
  }
}

function waitAfter(error: TickcastError, connection: Connection): number {
  if (error.retryable) {
    return connection.lost();
  }
  // It was the server that refused.
  connection.heard();
  return REFUSED_WAIT_MS;
}

/** Aborts a stream from which nothing comes. */
class Silence {
  readonly #control = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.broken();
  }

  get signal(): AbortSignal {
    return this.#control.signal;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#control.abort();
    }, LONGEST_SILENCE_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
