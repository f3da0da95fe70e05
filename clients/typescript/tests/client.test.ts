import { toJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PredictionSchema } from "../src/gen/tickcast/v1/prediction_pb.js";
import {
  type ClientOptions,
  Code,
  type PredictionEvent,
  TickcastClient,
  TickcastError,
} from "../src/index.js";
import { Server } from "./server.js";

const MODEL = "models/tiny";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.stop());

function connected(options: Partial<ClientOptions> = {}): TickcastClient {
  return new TickcastClient({ baseUrl: server.baseUrl, ...options });
}

async function refusal(call: Promise<unknown>): Promise<TickcastError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(TickcastError);
  return thrown as TickcastError;
}

const transports: [string, Partial<ClientOptions>][] = [
  ["Connect", {}],
  ["Connect with JSON", { json: true }],
  ["gRPC-Web", { protocol: "grpc-web" }],
];

describe.each(transports)("over %s", (_, options) => {
  it("predicts the same numbers as over plain JSON", async () => {
    const prediction = await connected(options).predict({ model: MODEL, symbol: "AAPL" });
    const answer = await fetch(`${server.baseUrl}/tickcast.v1.PredictionService/Predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: MODEL, symbol: "AAPL" }),
    });
    const { prediction: plain } = (await answer.json()) as {
      prediction: { featureProvenance: { age?: string } };
    };
    // It grows from call to call.
    delete prediction.featureProvenance?.age;
    delete plain.featureProvenance.age;
    expect(toJson(PredictionSchema, prediction)).toEqual(plain);
  });

  it("says why a call was refused", async () => {
    const error = await refusal(connected(options).predict({ model: MODEL, symbol: "NONE" }));
    expect(error.code).toBe(Code.NotFound);
    expect(error.reason).toBe("SYMBOL_NOT_FOUND");
    expect(error.metadata).toEqual({ symbol: "NONE" });
    expect(error.requestId).toMatch(/^[0-9a-f]{32}$/);
    expect(error.retryable).toBe(false);
  });

  it("names every wrong field", async () => {
    const error = await refusal(connected(options).predict({}));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.violations.map(({ field }) => field).sort()).toEqual(["model", "symbol"]);
  });

  it("streams a prediction for each bar that closes", async () => {
    const events = connected(options).streamPredictions({ model: MODEL, symbols: ["AAPL", "GE"] });
    const predicted: string[] = [];
    for await (const event of events) {
      if (event.case === "started") {
        await server.bar();
      } else if (event.case === "prediction") {
        predicted.push(event.value.symbol);
      }
      if (predicted.length === 2) {
        break;
      }
    }
    expect(predicted.sort()).toEqual(["AAPL", "GE"]);
  });
});

it("answers each item of a batch, refused or not", async () => {
  const results = await connected().batchPredict({
    model: MODEL,
    items: [{ symbol: "AAPL" }, { symbol: "NONE" }],
  });
  expect(results).toHaveLength(2);
  expect(results[0]).toMatchObject({ symbol: "AAPL" });
  expect(results[1]).toMatchObject({ reason: "SYMBOL_NOT_FOUND", code: Code.NotFound });
});

it("lists models, symbols and bars, over as many pages as there are", async () => {
  const client = connected();
  expect((await client.listModels()).map(({ name }) => name)).toEqual([MODEL]);
  const symbols = await client.listSymbols();
  expect(symbols.map(({ symbol }) => symbol)).toEqual(["AAPL", "GE", "MSFT"]);
  const bars = await client.listBars({ symbol: "MSFT", timeframe: "1d", pageSize: 50 });
  expect(bars.length).toBeGreaterThanOrEqual(120);
});

it("takes bars, and says the fate of each", async () => {
  const bars = await connected().listBars({ symbol: "GE", timeframe: "1d" });
  const last = bars.at(-1);
  if (!last) {
    throw new Error("no bars");
  }
  const results = await connected().ingestBars([last, { ...last, high: last.low - 1 }]);
  expect(results[0]).toMatchObject({ duplicate: true });
  expect(results[1]).toMatchObject({ code: Code.InvalidArgument });
});

it("follows prices", async () => {
  for await (const event of connected().streamPrices({ timeframe: "1d", snapshot: true })) {
    if (event.case === "bar") {
      expect(event.position?.sequence).toBeGreaterThanOrEqual(120n);
      break;
    }
  }
});

it("goes on after the last event when the server comes back", async () => {
  const events = connected().streamPredictions({ model: MODEL, symbols: ["AAPL"] });
  const reading = events[Symbol.asyncIterator]();
  expect((await reading.next()).value).toMatchObject({ case: "started" });
  await server.bar();
  const before = await nextPrediction(reading);
  await server.restart();
  await server.bar();
  const after = await nextPrediction(reading);
  await reading.return();
  expect(after).toBe(before + 1n);
  expect(events.positions.map(({ sequence }) => sequence)).toEqual([after]);
});

async function nextPrediction(reading: AsyncGenerator<PredictionEvent, void>): Promise<bigint> {
  for (;;) {
    const { value } = await reading.next();
    if (!value) {
      throw new Error("the stream ended");
    }
    if (value.case === "prediction" && value.position) {
      return value.position.sequence;
    }
  }
}

it("ends a stream without an error when it is told to", async () => {
  const stopping = new AbortController();
  const seen: string[] = [];
  const { signal } = stopping;
  for await (const event of connected().streamPrices({ timeframe: "1d" }, { signal })) {
    seen.push(event.case);
    stopping.abort();
  }
  expect(seen).toEqual(["started"]);
});

it("says that no server is there, and that it can be tried again", async () => {
  const away = new TickcastClient({ baseUrl: "http://127.0.0.1:1" });
  const error = await refusal(away.listModels());
  expect(error.code).toBe(Code.Unavailable);
  expect(error.retryable).toBe(true);
  expect(error.reason).toBe("");
});
