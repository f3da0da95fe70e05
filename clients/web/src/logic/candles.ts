/** A closed bar. Instants are seconds since 1970. */
export interface Candle {
  readonly openTime: number;
  readonly closeTime: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

/** What is held of a series: enough to guess since when it has so many bars. */
export interface Extent {
  readonly bars: number;
  readonly firstOpenTime: number;
  readonly lastCloseTime: number;
}

// Sessions and holidays make bars rarer at some times than they are on the whole.
const SLACK = 1.5;

/** Since when to ask for at least the last `count` bars; undefined for all that are held. */
export function sinceForLast(count: number, { bars, ...held }: Extent): number | undefined {
  if (bars <= count * SLACK) {
    return undefined;
  }
  const spacing = (held.lastCloseTime - held.firstOpenTime) / bars;
  return Math.floor(held.lastCloseTime - count * SLACK * spacing);
}

/** The candles held, with those that follow them or are newer of the same time; the last `most`. */
export function extended(
  held: readonly Candle[],
  coming: readonly Candle[],
  most: number,
): readonly Candle[] {
  const first = coming[0];
  if (!first) {
    return held;
  }
  const kept = held.filter(({ openTime }) => openTime < first.openTime);
  return [...kept, ...coming].slice(-most);
}
