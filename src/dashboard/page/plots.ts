/** Sessions and throughput over time. */
import UPlot from "uplot";
import type { Series } from "./series.ts";

export class Plots {
  readonly #sessions: Plot;
  readonly #frames: Plot;

  constructor(sessions: HTMLElement, frames: HTMLElement) {
    this.#sessions = new Plot(sessions, [{ label: "sessions", color: "--road" }]);
    this.#frames = new Plot(frames, [
      { label: "frames/s", color: "--road" },
      { label: "MB/s", color: "--good", scale: "bytes" },
      { label: "dropped/s", color: "--bad" },
    ]);
  }

  show(series: Series): void {
    this.#sessions.show([series.times, series.sessions]);
    this.#frames.show([
      series.times,
      series.framesPerSecond,
      series.megabytesPerSecond,
      series.droppedPerSecond,
    ]);
  }
}

interface Line {
  label: string;
  /** A custom property of the page's style. */
  color: string;
  scale?: string;
}

/** Pixels. */
const HEIGHT = 150;

class Plot {
  readonly #root: HTMLElement;
  readonly #plot: UPlot;

  constructor(root: HTMLElement, lines: Line[]) {
    this.#root = root;
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: color("--soft"),
      grid: { stroke: color("--line"), width: 1 },
      ticks: { show: false },
    };
    const right = lines.some(({ scale }) => scale)
      ? [{ ...axis, scale: "bytes", side: 1, grid: { show: false } }]
      : [];
    this.#plot = new UPlot(
      {
        width: this.#width,
        height: HEIGHT,
        series: [
          {},
          ...lines.map(({ label, color: name, scale }) => ({
            label,
            stroke: color(name),
            width: 2,
            points: { show: false },
            ...(scale ? { scale } : {}),
          })),
        ],
        scales: { y: { range: fromZero }, ...(right.length ? { bytes: { range: fromZero } } : {}) },
        axes: [axis, { ...axis, size: 60 }, ...right],
      },
      [[], ...lines.map(() => [])],
      root,
    );
    new ResizeObserver(() => this.#plot.setSize({ width: this.#width, height: HEIGHT })).observe(root);
  }

  get #width(): number {
    return Math.max(200, this.#root.clientWidth);
  }

  show(columns: number[][]): void {
    this.#plot.setData(columns as unknown as UPlot.AlignedData);
  }
}

/** A plot that does not begin at zero makes a ripple look like a flood. */
function fromZero(_: UPlot, __: number, most: number): [number, number] {
  return [0, Math.max(1, most * 1.1)];
}
