const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365.25 * DAY;

/** A minus as wide as a plus. */
const MINUS = "\u2212";

/** With as many digits as the size of a price calls for: 1,234.50, 0.000123. */
export function price(value: number): string {
  const digits = value >= 1 ? 2 : Math.min(2 - Math.floor(Math.log10(value)), 12);
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** A log return as the move in percent, with its sign. */
export function move(logReturn: number): string {
  const percent = Math.expm1(logReturn) * 100;
  const size = Math.abs(percent).toFixed(2);
  const sign = size === "0.00" ? "" : percent > 0 ? "+" : MINUS;
  return `${sign}${size}%`;
}

/** A share, without digits that say nothing: 90%, 88.9%. */
export function share(value: number): string {
  return `${Number((value * 100).toFixed(1))}%`;
}

/** In the two largest units that matter: 12 s, 3 min 20 s, 2 d 4 h, 13.4 y. */
export function age(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole >= YEAR) {
    return `${(whole / YEAR).toFixed(1)} y`;
  }
  if (whole >= DAY) {
    return parts(Math.floor(whole / DAY), "d", Math.floor((whole % DAY) / HOUR), "h");
  }
  if (whole >= HOUR) {
    return parts(Math.floor(whole / HOUR), "h", Math.floor((whole % HOUR) / MINUTE), "min");
  }
  return parts(Math.floor(whole / MINUTE), "min", whole % MINUTE, "s");
}

function parts(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const shown = [large && `${large} ${largeUnit}`, small && `${small} ${smallUnit}`].filter(
    Boolean,
  );
  return shown.join(" ") || `0 ${smallUnit}`;
}

/** In UTC, to the minute: 2024-04-10 00:00 UTC. */
export function instant(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** The day in UTC: 2024-04-10. */
export function day(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 10);
}
