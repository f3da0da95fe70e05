import type { PredictionEvent, TickcastClient } from "@tickcast/client";
import type { StreamPosition } from "@tickcast/client/v1/stream_pb";

/**
 * What the model, as it is now, predicts from each of the last `count` bars up to `last`: a stream
 * that resumes so many bars ago, until it has caught up.
 */
export async function* pastPredictions(
  client: TickcastClient,
  model: string,
  { last, count, signal }: { last: StreamPosition; count: number; signal: AbortSignal },
): AsyncGenerator<PredictionEvent, void, undefined> {
  const before = last.sequence - BigInt(count);
  const events = client.streamPredictions(
    {
      model,
      symbols: [last.symbol],
      resumeAfter: [{ ...last, sequence: before > 0n ? before : 0n }],
    },
    { patienceMs: 0, signal },
  );
  for await (const event of events) {
    yield event;
    if (event.position && event.position.sequence >= last.sequence) {
      return;
    }
  }
}
