import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type CallOptions,
  type Client,
  createClient,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { TickcastError } from "./errors.js";
import { EventStream, type StreamOptions } from "./event_stream.js";
import type { Bar, BarSchema } from "./gen/tickcast/v1/bar_pb.js";
import { FeatureService } from "./gen/tickcast/v1/feature_service_pb.js";
import {
  type ListBarsRequestSchema,
  MarketDataService,
  type StoredBar,
  type StreamPricesRequestSchema,
  type StreamPricesResponse,
  type SymbolSummary,
} from "./gen/tickcast/v1/market_data_service_pb.js";
import type { Model } from "./gen/tickcast/v1/model_pb.js";
import { ModelService } from "./gen/tickcast/v1/model_service_pb.js";
import type { Prediction } from "./gen/tickcast/v1/prediction_pb.js";
import {
  type BatchPredictRequestSchema,
  PredictionService,
  type PredictRequestSchema,
  type StreamPredictionsRequestSchema,
  type StreamPredictionsResponse,
} from "./gen/tickcast/v1/prediction_service_pb.js";
import type { StreamPosition } from "./gen/tickcast/v1/stream_pb.js";
import { retries } from "./retries.js";

/** As for gRPC clients in `service_config.json`, where batches and bars have five times as long. */
const TIMEOUT_MS = 2_000;
const LONG_TIMEOUT_MS = 10_000;

/** How a server is asked. */
export interface ClientOptions {
  /** The server's HTTP port, such as `http://localhost:8080`. */
  readonly baseUrl: string;
  /** When absent, Connect. */
  readonly protocol?: "connect" | "grpc-web";
  /** JSON instead of binary messages: larger and slower, and readable in a browser's tools. */
  readonly json?: boolean;
  /** Around every call, the first outermost. */
  readonly interceptors?: readonly Interceptor[];
}

type EventOf<Response extends { event: { case: string | undefined } }> = Exclude<
  Response["event"],
  { case: "batch" } | { case: undefined }
> & {
  /** The bar that it belongs to: what to resume after. */
  readonly position: StreamPosition | undefined;
};

export type PredictionEvent = EventOf<StreamPredictionsResponse>;
export type PriceEvent = EventOf<StreamPricesResponse>;

/** A request whose stream is opened again by the client, which keeps the positions. */
type Followed<Shape> = Omit<Shape, "$typeName" | "$unknown" | "resumeAfter" | "batched"> & {
  readonly resumeAfter?: readonly StreamPosition[];
};

/** Asks one server. Every method throws `TickcastError`. */
export class TickcastClient {
  /** The services themselves, for methods that have no shorter form here. */
  readonly services: {
    readonly prediction: Client<typeof PredictionService>;
    readonly marketData: Client<typeof MarketDataService>;
    readonly feature: Client<typeof FeatureService>;
    readonly model: Client<typeof ModelService>;
  };

  constructor(options: ClientOptions) {
    const transport = transportOf(options);
    this.services = {
      prediction: createClient(PredictionService, transport),
      marketData: createClient(MarketDataService, transport),
      feature: createClient(FeatureService, transport),
      model: createClient(ModelService, transport),
    };
  }

  /** The prediction from the last closed bar of a symbol, or from bars or features in the request. */
  async predict(
    request: MessageInitShape<typeof PredictRequestSchema>,
    options?: CallOptions,
  ): Promise<Prediction> {
    const { prediction } = await told(
      this.services.prediction.predict(request, { timeoutMs: TIMEOUT_MS, ...options }),
    );
    return present(prediction);
  }

  /** One result for each item, in their order: one that is refused does not keep the others. */
  async batchPredict(
    request: MessageInitShape<typeof BatchPredictRequestSchema>,
    options?: CallOptions,
  ): Promise<(Prediction | TickcastError)[]> {
    const { results } = await told(
      this.services.prediction.batchPredict(request, { timeoutMs: LONG_TIMEOUT_MS, ...options }),
    );
    return results.map(({ result }) =>
      result.case === "error" ? TickcastError.ofStatus(result.value) : present(result.value),
    );
  }

  /** Sends closed bars. One result for each, in their order; sending a bar twice is safe. */
  async ingestBars(
    bars: MessageInitShape<typeof BarSchema>[],
    options?: CallOptions,
  ): Promise<(StoredBar | TickcastError)[]> {
    const { results } = await told(
      this.services.marketData.ingestBars({ bars }, { timeoutMs: LONG_TIMEOUT_MS, ...options }),
    );
    return results.map(({ result }) =>
      result.case === "error" ? TickcastError.ofStatus(result.value) : present(result.value),
    );
  }

  /** Every model, with its versions' aliases. */
  listModels(options?: CallOptions): Promise<Model[]> {
    return everyPage(async (pageToken) => {
      const page = await this.services.model.listModels(
        { pageToken },
        { timeoutMs: TIMEOUT_MS, ...options },
      );
      return [page.models, page.nextPageToken];
    });
  }

  /** Every symbol and timeframe that has bars. */
  listSymbols(options?: CallOptions): Promise<SymbolSummary[]> {
    return everyPage(async (pageToken) => {
      const page = await this.services.marketData.listSymbols(
        { pageToken },
        { timeoutMs: LONG_TIMEOUT_MS, ...options },
      );
      return [page.symbols, page.nextPageToken];
    });
  }

  /** The bars of a series, oldest first. */
  listBars(
    request: Omit<MessageInitShape<typeof ListBarsRequestSchema>, "$typeName" | "pageToken">,
    options?: CallOptions,
  ): Promise<Bar[]> {
    return everyPage(async (pageToken) => {
      const page = await this.services.marketData.listBars(
        { ...request, pageToken },
        { timeoutMs: LONG_TIMEOUT_MS, ...options },
      );
      return [page.bars, page.nextPageToken];
    });
  }

  /** A prediction for each bar that closes, opened again where it was when the connection breaks. */
  streamPredictions(
    request: Followed<MessageInitShape<typeof StreamPredictionsRequestSchema>>,
    options: StreamOptions = {},
  ): EventStream<StreamPredictionsResponse, PredictionEvent> {
    const { resumeAfter = [], ...asked } = request;
    return new EventStream(
      (positions, signal) =>
        this.services.prediction.streamPredictions(
          { ...asked, resumeAfter: positions, batched: true },
          { signal },
        ),
      {
        parts: (item) => (item.event.case === "batch" ? item.event.value.events : [item]),
        event: ({ event, position }) =>
          event.case === undefined || event.case === "batch" ? undefined : { ...event, position },
      },
      resumeAfter,
      options,
    );
  }

  /** Each bar that closes, opened again where it was when the connection breaks. */
  streamPrices(
    request: Followed<MessageInitShape<typeof StreamPricesRequestSchema>>,
    options: StreamOptions = {},
  ): EventStream<StreamPricesResponse, PriceEvent> {
    const { resumeAfter = [], ...asked } = request;
    return new EventStream(
      (positions, signal) =>
        this.services.marketData.streamPrices(
          { ...asked, resumeAfter: positions, batched: true },
          { signal },
        ),
      {
        parts: (item) => (item.event.case === "batch" ? item.event.value.events : [item]),
        event: ({ event, position }) =>
          event.case === undefined || event.case === "batch" ? undefined : { ...event, position },
      },
      resumeAfter,
      options,
    );
  }
}

function transportOf(options: ClientOptions): Transport {
  const common = {
    baseUrl: options.baseUrl,
    useBinaryFormat: !options.json,
    interceptors: [...(options.interceptors ?? []), retries],
  };
  return options.protocol === "grpc-web"
    ? createGrpcWebTransport(common)
    : createConnectTransport(common);
}

async function told<Value>(call: Promise<Value>): Promise<Value> {
  try {
    return await call;
  } catch (thrown) {
    throw TickcastError.from(thrown);
  }
}

async function everyPage<Item>(
  page: (token: string) => Promise<[Item[], string]>,
): Promise<Item[]> {
  const found: Item[] = [];
  let token = "";
  do {
    const [items, next] = await told(page(token));
    found.push(...items);
    token = next;
  } while (token);
  return found;
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) {
    throw new TypeError("the server's answer lacks what the contract promises");
  }
  return value;
}
