import type { CanvasRenderingTarget2D } from "fancy-canvas";
import type {
  AutoscaleInfo,
  IPrimitivePaneRenderer,
  IPrimitivePaneView,
  ISeriesPrimitive,
  Logical,
  PrimitivePaneViewZOrder,
  SeriesAttachedParameter,
} from "lightweight-charts";
import type { Ahead, Outcome } from "../logic/track_record.js";
import type { Palette } from "./palette.js";

/** What is drawn around the candles. */
export interface Forecasts {
  readonly outcomes: readonly Outcome[];
  readonly ahead: Ahead | undefined;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const EXPECTED = 3;
const MISS = 3.5;

type Draw = (context: CanvasRenderingContext2D) => void;

/** Bands of past predictions behind the candles, their misses before them, and the one that is ahead. */
export class ForecastLayer implements ISeriesPrimitive {
  readonly #views = [
    viewOf("bottom", (context) => {
      this.#drawBands(context);
    }),
    viewOf("top", (context) => {
      this.#drawMisses(context);
      this.#drawAhead(context);
    }),
  ];

  #forecasts: Forecasts = { outcomes: [], ahead: undefined };
  #palette: Palette;
  #attached: SeriesAttachedParameter | undefined;

  constructor(palette: Palette) {
    this.#palette = palette;
  }

  attached(parameters: SeriesAttachedParameter): void {
    this.#attached = parameters;
  }

  show(forecasts: Forecasts): void {
    this.#forecasts = forecasts;
    this.#attached?.requestUpdate();
  }

  paint(palette: Palette): void {
    this.#palette = palette;
    this.#attached?.requestUpdate();
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.#views;
  }

  /** So much of the scale that the bands in sight are. */
  autoscaleInfo(first: Logical, last: Logical): AutoscaleInfo | null {
    const bands = this.#forecasts.outcomes
      .filter(({ target }) => target >= first && target <= last)
      .map(({ band }) => band);
    const ahead = this.#forecasts.ahead?.forecast.band;
    if (ahead) {
      bands.push(ahead);
    }
    return bands.length === 0
      ? null
      : {
          priceRange: {
            minValue: Math.min(...bands.map(({ lower }) => lower)),
            maxValue: Math.max(...bands.map(({ upper }) => upper)),
          },
        };
  }

  #drawBands(context: CanvasRenderingContext2D): void {
    const { outcomes } = this.#forecasts;
    const upper = outcomes.flatMap(({ target, band }) => this.#point(target, band.upper) ?? []);
    const lower = outcomes.flatMap(({ target, band }) => this.#point(target, band.lower) ?? []);
    this.#fill(context, upper, lower);
  }

  #drawMisses(context: CanvasRenderingContext2D): void {
    for (const { target, close, inside } of this.#forecasts.outcomes) {
      const point = inside ? undefined : this.#point(target, close);
      if (point) {
        circle(context, point, MISS, this.#palette.miss);
      }
    }
  }

  #drawAhead(context: CanvasRenderingContext2D): void {
    const { ahead } = this.#forecasts;
    if (!ahead) {
      return;
    }
    const target = ahead.from + ahead.forecast.horizonBars;
    const start = this.#point(ahead.from, ahead.close);
    const expected = this.#point(target, ahead.forecast.price);
    if (!start || !expected) {
      return;
    }
    const { band } = ahead.forecast;
    const upper = band && this.#point(target, band.upper);
    const lower = band && this.#point(target, band.lower);
    if (upper && lower) {
      this.#fill(context, [start, upper], [start, lower]);
      this.#column(context, upper, lower);
    }
    stroke(context, [start, expected], this.#palette.predicted, [3, 3]);
    circle(context, expected, EXPECTED, this.#palette.predicted);
  }

  /** Where the target is to close: as wide as its candle will be. */
  #column(context: CanvasRenderingContext2D, upper: Point, lower: Point): void {
    const width = Math.max(3, 0.7 * (this.#attached?.chart.timeScale().options().barSpacing ?? 0));
    context.beginPath();
    context.roundRect(upper.x - width / 2, upper.y, width, lower.y - upper.y, 2);
    context.fillStyle = this.#palette.bandEdge;
    context.fill();
    context.strokeStyle = this.#palette.predicted;
    context.lineWidth = 1;
    context.stroke();
  }

  #fill(context: CanvasRenderingContext2D, upper: readonly Point[], lower: readonly Point[]): void {
    const outline = [...upper, ...lower.toReversed()];
    trace(context, outline);
    context.closePath();
    context.fillStyle = this.#palette.band;
    context.fill();
    stroke(context, upper, this.#palette.bandEdge, []);
    stroke(context, lower, this.#palette.bandEdge, []);
  }

  #point(index: number, price: number): Point | undefined {
    const x = this.#attached?.chart.timeScale().logicalToCoordinate(index as Logical);
    const y = this.#attached?.series.priceToCoordinate(price);
    return typeof x === "number" && typeof y === "number" ? { x, y } : undefined;
  }
}

function viewOf(zOrder: PrimitivePaneViewZOrder, draw: Draw): IPrimitivePaneView {
  const renderer: IPrimitivePaneRenderer = {
    draw: (target: CanvasRenderingTarget2D) => {
      target.useMediaCoordinateSpace(({ context }) => {
        draw(context);
      });
    },
  };
  return { zOrder: () => zOrder, renderer: () => renderer };
}

function trace(context: CanvasRenderingContext2D, points: readonly Point[]): void {
  context.beginPath();
  for (const { x, y } of points) {
    context.lineTo(x, y);
  }
}

function stroke(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  colour: string,
  dash: number[],
): void {
  trace(context, points);
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

function circle(
  context: CanvasRenderingContext2D,
  { x, y }: Point,
  radius: number,
  colour: string,
): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
}
