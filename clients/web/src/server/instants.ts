import type { Timestamp } from "@bufbuild/protobuf/wkt";

/** Seconds since 1970. The contract's instants of bars are whole ones. */
export function seconds(instant: Timestamp | undefined): number {
  return instant ? Number(instant.seconds) + instant.nanos / 1e9 : 0;
}

/** The same for a request. */
export function timestamp(since1970: number): { seconds: bigint } {
  return { seconds: BigInt(since1970) };
}
