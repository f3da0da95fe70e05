import type { CallOptions } from "@connectrpc/connect";
import type { TickcastClient } from "@tickcast/client";
import type { Bar } from "@tickcast/client/v1/bar_pb";
import { type Candle, type Extent, sinceForLast } from "../logic/candles.js";
import { seconds, timestamp } from "./instants.js";

/** What names a series. */
export interface Series {
  readonly symbol: string;
  readonly timeframe: string;
}

/** The last `count` bars of a series, oldest first. */
export async function lastBars(
  client: TickcastClient,
  series: Series,
  { count, extent }: { count: number; extent: Extent },
  options: CallOptions = {},
): Promise<readonly Candle[]> {
  const since = sinceForLast(count, extent);
  const from = since === undefined ? {} : { startTime: timestamp(since) };
  const bars = await client.listBars({ ...series, ...from }, options);
  return bars.slice(-count).map(candleOf);
}

/** The bars of a series that open later, oldest first. */
export async function barsAfter(
  client: TickcastClient,
  series: Series,
  openTime: number,
  options: CallOptions = {},
): Promise<readonly Candle[]> {
  const startTime = timestamp(openTime + 1);
  return (await client.listBars({ ...series, startTime }, options)).map(candleOf);
}

function candleOf({ openTime, closeTime, open, high, low, close }: Bar): Candle {
  return { openTime: seconds(openTime), closeTime: seconds(closeTime), open, high, low, close };
}
