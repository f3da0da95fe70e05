import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";
import type { Status } from "./gen/google/rpc/status_pb.js";

/** One wrong field of a request. */
export interface Violation {
  /** Path from the request, such as `bars[17].high`. */
  readonly field: string;
  /** What it was, and what was needed. */
  readonly description: string;
  readonly reason: string;
}

interface Detail {
  readonly type: string;
  readonly value: Uint8Array;
}

/** What a server refused, or why it could not be asked. */
export class TickcastError extends Error {
  override readonly name = "TickcastError";
  readonly code: Code;
  /** Of docs/errors.md, such as `SYMBOL_NOT_FOUND`. Empty when no server of ours said it. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  /** Finds the call in the server's log. */
  readonly requestId: string;
  /** Milliseconds to wait before the same call can succeed, where the server knows. */
  readonly retryAfterMs: number | undefined;

  constructor(code: Code, message: string, details: readonly Detail[], options?: ErrorOptions) {
    super(message, options);
    const info = find(details, ErrorInfoSchema);
    const retry = find(details, RetryInfoSchema);
    this.code = code;
    this.reason = info?.reason ?? "";
    this.metadata = info?.metadata ?? {};
    this.violations = find(details, BadRequestSchema)?.fieldViolations ?? [];
    this.requestId = find(details, RequestInfoSchema)?.requestId ?? "";
    this.retryAfterMs = retry?.retryDelay && durationMs(retry.retryDelay);
  }

  /** Whether the same call can succeed later. */
  get retryable(): boolean {
    return this.code === Code.Unavailable || this.retryAfterMs !== undefined;
  }

  /** What a call threw. */
  static from(thrown: unknown): TickcastError {
    if (thrown instanceof TickcastError) {
      return thrown;
    }
    const error = ConnectError.from(thrown);
    const details = error.details.filter((item): item is typeof item & Detail => "value" in item);
    // A browser says nothing of a connection that was refused or broke but that there was none.
    const code = thrown instanceof TypeError || isNetwork(error) ? Code.Unavailable : error.code;
    return new TickcastError(code, error.rawMessage, details, { cause: thrown });
  }

  /** What became of one item of several. */
  static ofStatus(status: Status): TickcastError {
    const details = status.details.map(({ typeUrl, value }) => ({
      type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
      value,
    }));
    // Connect has the numbers of gRPC.
    return new TickcastError(status.code, status.message, details);
  }
}

function isNetwork(error: ConnectError): boolean {
  return error.code === Code.Unknown && error.cause instanceof TypeError;
}

function find<Desc extends DescMessage>(
  details: readonly Detail[],
  schema: Desc,
): MessageShape<Desc> | undefined {
  const found = details.find((detail) => detail.type === schema.typeName);
  return found && fromBinary(schema, found.value);
}
