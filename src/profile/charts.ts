import type { Use } from './meter.js'
import type { EndUse } from './port.js'
import { mbitName, perMB, type Capacity, type ProfileReport, type Way, waysOf } from './report.js'
import { threeDigits, measuredWays, percent } from './text.js'

/** Drawings as SVG in units of a page of this width; colours are classes, which the page's style fills for light and dark. */
/** Classes c0 to c15, and as many for lines (l) and backgrounds (b). */
export const COLOURS = 16
const WIDTH = 720
const LABEL = 190
const ROW = 30

/** Characters that mean something in HTML. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

function svg(id: string, height: number, title: string, content: string): string {
  return (
    `<svg id="${id}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">` +
    `<title>${escaped(title)}</title>${content}</svg>`
  )
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end' = 'start'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`
}

/** Stages of every process, stacked, in CPU ms a MB. */
export function stagesChart(report: ProfileReport): string {
  const bars = report.codecs.flatMap(({ codec, handOver, serve }) => [
    { codec, name: `${codec}: signer`, use: handOver.from },
    { codec, name: `${codec}: pinner takes`, use: handOver.to },
    { codec, name: `${codec}: pinner serves`, use: serve.from }
  ])
  const names = [...new Set(bars.flatMap(({ use }) => use.stages.map(({ stage }) => stage)))]
  const sumOf = (use: EndUse): number => use.stages.reduce((sum, { cpuMs }) => sum + perMB(cpuMs, use), 0)
  // Each codec to its own scale: beside `seal` nothing of `wrap` would be seen.
  const mostOf = (codec: string): number =>
    Math.max(...bars.filter((bar) => bar.codec === codec).map(({ use }) => sumOf(use)))
  const rows = bars.map(({ codec, name, use }, i) => {
    const scale = (WIDTH - LABEL - 70) / mostOf(codec)
    let x = LABEL
    const parts = use.stages.map(({ stage, cpuMs }) => {
      const ms = perMB(cpuMs, use)
      const width = ms * scale
      const rect = `<rect class="c${names.indexOf(stage) % COLOURS}" data-stage="${escaped(stage)}" x="${x.toFixed(1)}" y="${i * ROW + 5}" width="${width.toFixed(1)}" height="${ROW - 10}"><title>${escaped(`${name}, ${stage}: ${threeDigits(ms)} ms a MB`)}</title></rect>`
      x += width
      return rect
    })
    return (
      text(LABEL - 8, i * ROW + 20, name, 'end') +
      parts.join('') +
      text(x + 6, i * ROW + 20, threeDigits(sumOf(use)))
    )
  })
  const legend = names
    .map((name, i) => `<span><i class="b${i % COLOURS}"></i>${escaped(name)}</span>`)
    .join('')
  const title = 'CPU time of each stage, in ms a MB'
  return svg('stages', bars.length * ROW, title, rows.join('')) + `<p class="legend">${legend}</p>`
}

/** MB/s of every way while it was measured. */
export function throughputChart(report: ProfileReport): string {
  const lines = measuredWays(report).map(({ name, moved }) => ({ name, points: ratesOf(moved.to) }))
  return lineChart({
    id: 'throughput',
    title: 'MB/s over time',
    lines,
    unit: 'MB/s',
    end: (ms) => `${(ms / 1000).toFixed(1)} s`
  })
}

/** Lines over time, each from its own points, to one scale that begins at 0. */
export function lineChart({
  id,
  title,
  lines,
  unit,
  end
}: {
  id: string
  title: string
  lines: readonly { name: string; points: readonly { x: number; y: number }[] }[]
  /** What the values are. */
  unit: string
  /** How the last moment is written. */
  end: (x: number) => string
}): string {
  const longest = Math.max(...lines.flatMap(({ points }) => points.map(({ x }) => x)), 1)
  const most = Math.max(...lines.flatMap(({ points }) => points.map(({ y }) => y)), 1)
  const height = 260
  const across = (x: number): number => 50 + (x / longest) * (WIDTH - 70)
  const up = (y: number): number => height - 30 - (y / most) * (height - 50)
  const paths = lines.map(({ points }, i) => {
    const way = points.map(({ x, y }) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`).join(' ')
    return `<polyline class="l${i % COLOURS}" points="${way}" />`
  })
  const axis =
    text(45, up(most) + 4, threeDigits(most), 'end') +
    text(45, up(0) + 4, '0', 'end') +
    text(WIDTH - 20, height - 8, end(longest), 'end') +
    text(50, 12, unit)
  const legend = lines
    .map(({ name }, i) => `<span><i class="b${i % COLOURS}"></i>${escaped(name)}</span>`)
    .join('')
  return svg(id, height, title, axis + paths.join('')) + `<p class="legend">${legend}</p>`
}

function ratesOf({ samples }: Use): { x: number; y: number }[] {
  return samples.map(({ atMs, bytes }, i) => {
    const before = samples[i - 1] ?? { atMs: 0, bytes: 0 }
    const ms = Math.max(atMs - before.atMs, 1)
    return { x: atMs, y: (bytes - before.bytes) / 1e3 / ms }
  })
}

/** How busy the threads of each process were, and its event loop. */
export function threadsChart(report: ProfileReport): string {
  const uses = measuredWays(report).flatMap(({ name, moved }) => [
    { name: `${name}: from`, use: moved.from },
    { name: `${name}: to`, use: moved.to }
  ])
  const most = Math.max(1, ...uses.map(({ use }) => use.cpuMs / use.wallMs))
  const scale = (WIDTH - LABEL - 120) / most
  const rows = uses.map(({ name, use }, i) => {
    let x = LABEL
    const parts = (['main', 'workers', 'other'] as const).map((group, c) => {
      const share = use.threads[group] / use.wallMs
      const rect = `<rect class="c${c}" data-threads="${group}" x="${x.toFixed(1)}" y="${i * ROW + 5}" width="${(share * scale).toFixed(1)}" height="${ROW - 10}"><title>${escaped(`${name}, ${group}: ${percent(share)} of a core`)}</title></rect>`
      x += share * scale
      return rect
    })
    const total = `${percent(use.cpuMs / use.wallMs)}, loop ${percent(use.loop)}`
    return text(LABEL - 8, i * ROW + 20, name, 'end') + parts.join('') + text(x + 6, i * ROW + 20, total)
  })
  const legend = ['main thread', 'workers', 'disk, pool and the rest']
    .map((name, i) => `<span><i class="b${i}"></i>${name}</span>`)
    .join('')
  return (
    svg('threads', uses.length * ROW, 'CPU of the threads of each process, in cores', rows.join('')) +
    `<p class="legend">${legend}</p>`
  )
}

const LEAST_MBIT = 1
const MOST_MBIT = 20_000

/** What a way carries over links of every speed: straight up to where an end becomes the limit. */
export function breakEvenChart(report: ProfileReport): string {
  const ways = waysOf(report)
  const height = 320
  const x = (mbit: number): number =>
    60 + (Math.log10(mbit / LEAST_MBIT) / Math.log10(MOST_MBIT / LEAST_MBIT)) * (WIDTH - 90)
  const y = (mb: number): number => {
    const share = Math.log10((mb * 8) / LEAST_MBIT) / Math.log10(MOST_MBIT / LEAST_MBIT)
    return height - 40 - Math.max(0, share) * (height - 60)
  }
  const lines = ways.map((way, i) => {
    const most = slowestEnd(way, report.capacities)
    const at = Math.min(most.breakEvenMbit, MOST_MBIT)
    const points = [
      [LEAST_MBIT, LEAST_MBIT / 8],
      [at, at / 8],
      [MOST_MBIT, at / 8]
    ].map(([mbit, mb]) => `${x(mbit!).toFixed(1)},${y(mb!).toFixed(1)}`)
    const label = `${way}: ${mbitName(most.breakEvenMbit)}, ${most.side}'s ${most.bound}`
    return (
      `<polyline class="l${i % COLOURS}" points="${points.join(' ')}"><title>${escaped(label)}</title></polyline>` +
      `<circle class="c${i % COLOURS}" data-break-even="${at.toFixed(1)}" cx="${x(at).toFixed(1)}" cy="${y(at / 8).toFixed(1)}" r="4"><title>${escaped(label)}</title></circle>`
    )
  })
  const ticks = [1, 10, 100, 1000, 10_000]
    .map(
      (mbit) =>
        text(x(mbit), height - 18, mbitName(mbit), 'middle') +
        text(55, y(mbit / 8) + 4, threeDigits(mbit / 8), 'end')
    )
    .join('')
  const legend = ways
    .map((name, i) => `<span><i class="b${i % COLOURS}"></i>${escaped(name)}</span>`)
    .join('')
  return (
    svg('break-even', height, 'MB/s over link speed', ticks + text(60, 12, 'MB/s') + lines.join('')) +
    `<p class="legend">${legend}</p>`
  )
}

/** The end of a way that gives out first. */
function slowestEnd(way: Way, capacities: readonly Capacity[]): Capacity {
  return capacities
    .filter((capacity) => capacity.way === way)
    .reduce((least, other) => (other.mbPerSecond < least.mbPerSecond ? other : least))
}
