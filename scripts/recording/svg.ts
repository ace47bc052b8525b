/* A terminal's rows as an animated SVG: CSS alone, no script, no font of its own. What runs no animations, or looks only at once, shows
 * the last picture: the animation begins in it. Pure. */

import { type Piece, type Row, screenOf } from "./screen.ts";
import { commands, type Play } from "./session.ts";

const columns = 120;
const rowsShown = 28;
const cellWidth = 7.8;
const rowHeight = 18;
const padding = 16;
const barHeight = 30;
const width = padding * 2 + columns * cellWidth;
const height = barHeight + rowsShown * rowHeight + padding;

const themes = {
  light: {
    back: "#ffffff",
    edge: "#d0d7de",
    plain: "#1f2328",
    dim: "#656d76",
    red: "#cf222e",
    green: "#1a7f37",
    yellow: "#9a6700",
  },
  dark: {
    back: "#0d1117",
    edge: "#30363d",
    plain: "#e6edf3",
    dim: "#8b949e",
    red: "#ff7b72",
    green: "#3fb950",
    yellow: "#d29922",
  },
} as const;

export function renderSvg({ arrivals, heldMs, endMs }: Play): string {
  const rows = screenOf(arrivals, columns);
  const moments = [...new Set(rows.flatMap(({ pieces }) => pieces.map(({ atMs }) => atMs)))].sort((a, b) => a - b);
  const named = new Map(moments.map((atMs, i) => [atMs, `t${i}`]));
  const at = (ms: number) => `${Number(((ms / endMs) * 100).toFixed(3))}%`;
  const appearances = [...named]
    .filter(([atMs]) => atMs > 0)
    .flatMap(([atMs, name]) => [`@keyframes ${name}{0%{opacity:0}${at(atMs)}{opacity:1}}`, `.${name}{animation-name:${name}}`]);
  const scrolls = scrollsOf(rows).map(([atMs, y]) => `${at(atMs)}{transform:translateY(-${y}px)}`);
  const animated = `animation:${endMs}ms step-end ${-Math.round((heldMs + endMs) / 2)}ms infinite`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title about">
<title id="title">Podwire in a terminal</title>
<desc id="about">${escapeXml(commands.map(({ line }) => line).join("; "))}</desc>
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
${themeCss(themes.light)}
@media (prefers-color-scheme:dark){${themeCss(themes.dark)}}
.bold{font-weight:600}
.rows,[class^=t]{${animated}}
.rows{animation-name:scroll}
@keyframes scroll{0%{transform:translateY(0)}${scrolls.join("")}}
${appearances.join("\n")}
@media (prefers-reduced-motion:reduce){.rows,[class^=t]{animation:none}}
</style>
<rect class="back" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
<g class="edge"><circle cx="18" cy="16" r="5"/><circle cx="35" cy="16" r="5"/><circle cx="52" cy="16" r="5"/></g>
<svg aria-hidden="true" x="${padding}" y="${barHeight}" width="${width - padding * 2}" height="${rowsShown * rowHeight}">
<g class="rows" transform="translate(0 -${scrolledBy(rows.length)})">
${rows.flatMap(({ pieces }, row) => groupsOf(pieces, row, named)).join("\n")}
</g>
</svg>
</svg>
`;
}

/** When a row below the window begins, and how far up the rows are then. */
function scrollsOf(rows: readonly Row[]): [atMs: number, y: number][] {
  return [...new Map(rows.map(({ atMs }, i) => [atMs, scrolledBy(i + 1)] as const))].filter(([, y]) => y > 0);
}

function scrolledBy(rowCount: number): number {
  return Math.max(0, rowCount - rowsShown) * rowHeight;
}

/** What of a row came at the same moment. */
function groupsOf(pieces: readonly Piece[], row: number, named: ReadonlyMap<number, string>): string[] {
  return [...Map.groupBy(pieces, ({ atMs }) => atMs)].map(
    ([atMs, group]) => `<g class="${named.get(atMs)}">${group.map((piece) => textOf(piece, row)).join("")}</g>`,
  );
}

function textOf({ column, text, width: cells, style }: Piece, row: number): string {
  const place = `x="${round(column * cellWidth)}" y="${row * rowHeight + 13}" textLength="${round(cells * cellWidth)}"`;
  return `<text class="${style}" ${place}>${escapeXml(text)}</text>`;
}

function themeCss({ back, edge, plain, ...others }: (typeof themes)[keyof typeof themes]): string {
  return [
    `.back{fill:${back};stroke:${edge}}.edge{fill:${edge}}`,
    `.plain,.bold{fill:${plain}}`,
    ...Object.entries(others).map(([name, colour]) => `.${name}{fill:${colour}}`),
  ].join("");
}

function round(length: number): number {
  return Math.round(length * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
