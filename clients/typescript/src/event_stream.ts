import { Code } from "@connectrpc/connect";
import { TickcastError } from "./errors.js";
import type { StreamPosition } from "./gen/tickcast/v1/stream_pb.js";
import { type StreamResponse, Subscription } from "./subscription.js";

/** How a stream behaves when its connection breaks, and when it ends. */
export interface StreamOptions {
  /** How long an outage may last until it is thrown, in milliseconds. When absent, a minute. */
  readonly patienceMs?: number;
  /** Ends the stream without an error. */
  readonly signal?: AbortSignal;
}

const PATIENCE_MS = 60_000;

type Open<Response> = (
  resumeAfter: StreamPosition[],
  signal: AbortSignal,
) => AsyncIterable<Response>;

/**
 * Events, for as long as they are read. When the connection breaks, the stream is opened again after
 * the last event that was read.
 */
export class EventStream<Response extends StreamResponse, Event> implements AsyncIterable<Event> {
  readonly #open: Open<Response>;
  readonly #parts: (response: Response) => Response[];
  readonly #event: (response: Response) => Event | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #subscription: Subscription;

  constructor(
    open: Open<Response>,
    reading: {
      /** The responses in a batch, or the response itself. */
      readonly parts: (response: Response) => Response[];
      /** Undefined for one that this client is too old for. */
      readonly event: (response: Response) => Event | undefined;
    },
    resumeAfter: Iterable<StreamPosition>,
    options: StreamOptions,
  ) {
    this.#open = open;
    this.#parts = reading.parts;
    this.#event = reading.event;
    this.#signal = options.signal;
    this.#subscription = new Subscription(resumeAfter, options.patienceMs ?? PATIENCE_MS);
  }

  /** What to pass as `resumeAfter` to go on after the last event that was read. */
  get positions(): StreamPosition[] {
    return this.#subscription.positions;
  }

  /** Throws `TickcastError` when the stream cannot be opened, or not again. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    while (!this.#signal?.aborted) {
      const call = new AbortController();
      const signal = this.#signal ? AbortSignal.any([call.signal, this.#signal]) : call.signal;
      try {
        if (yield* this.#read(signal)) {
          continue;
        }
        throw new TickcastError(Code.Unavailable, "the stream was ended early", []);
      } catch (thrown) {
        if (this.#signal?.aborted) {
          return;
        }
        const error = TickcastError.from(thrown);
        const wait = this.#subscription.waitAfter(error);
        if (wait === undefined) {
          throw error;
        }
        await pause(wait, this.#signal);
      } finally {
        // A loop that was left with `break` has nobody else to tell the server.
        call.abort();
      }
    }
  }

  /** One call. Returns whether it is to be made again at once. */
  async *#read(signal: AbortSignal): AsyncGenerator<Event, boolean, undefined> {
    for await (const response of this.#open(this.positions, signal)) {
      for (const part of this.#parts(response)) {
        if (this.#subscription.received(part)) {
          return true;
        }
        const event = this.#event(part);
        if (event !== undefined) {
          yield event;
        }
      }
    }
    return false;
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
