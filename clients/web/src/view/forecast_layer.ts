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
import type { Forecasted } from "../logic/forecasts.js";
import type { Palette } from "./palette.js";

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Of candles of which nothing is predicted. */
export const NOTHING: Forecasted = { bands: [], outcomes: [], ahead: undefined };

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

  #forecasted: Forecasted = NOTHING;
  #palette: Palette;
  #attached: SeriesAttachedParameter | undefined;

  constructor(palette: Palette) {
    this.#palette = palette;
  }

  attached(parameters: SeriesAttachedParameter): void {
    this.#attached = parameters;
  }

  show(forecasted: Forecasted): void {
    this.#forecasted = forecasted;
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
    const inSight = this.#forecasted.bands.filter(
      ({ target }) => target >= first && target <= last,
    );
    return inSight.length === 0
      ? null
      : {
          priceRange: {
            minValue: Math.min(...inSight.map(({ lower }) => lower)),
            maxValue: Math.max(...inSight.map(({ upper }) => upper)),
          },
        };
  }

  #drawBands(context: CanvasRenderingContext2D): void {
    const { bands } = this.#forecasted;
    const upper = bands.flatMap((band) => this.#point(band.target, band.upper) ?? []);
    const lower = bands.flatMap((band) => this.#point(band.target, band.lower) ?? []);
    trace(context, [...upper, ...lower.toReversed()]);
    context.closePath();
    context.fillStyle = this.#palette.band;
    context.fill();
    stroke(context, upper, this.#palette.bandEdge, []);
    stroke(context, lower, this.#palette.bandEdge, []);
  }

  #drawMisses(context: CanvasRenderingContext2D): void {
    for (const { target, close, inside } of this.#forecasted.outcomes) {
      const point = inside ? undefined : this.#point(target, close);
      if (point) {
        circle(context, point, MISS, this.#palette.miss);
      }
    }
  }

  #drawAhead(context: CanvasRenderingContext2D): void {
    const { ahead } = this.#forecasted;
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
