const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/** Length of a timeframe of the contract, such as `5m`. */
export function timeframeSeconds(timeframe: string): number {
  const found = /^(\d+)([smhdw])$/.exec(timeframe);
  if (!found) {
    throw new TypeError(`timeframe: was '${timeframe}', needed a count and one of s, m, h, d, w`);
  }
  return Number(found[1]) * UNIT_SECONDS[found[2] as keyof typeof UNIT_SECONDS];
}
