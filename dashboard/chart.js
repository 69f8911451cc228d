import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

const colours = {
  success: '#2f9e6b',
  failure: '#d4483b',
  offline: '#d49a2a',
  refused: '#b06fc4',
  unknown: '#8a8f98',
  lie: '#ff2d55'
}

const scaled = (values, by) => values.map((value) => (value === null ? null : value * by))
const line = (label, stroke, width) => ({ label, stroke, width, spanGaps: true, points: { size: 4 } })

/** What each kind of chart draws: lines with their values. */
const kinds = {
  outcomes: ({ storage, retrieval }) =>
    Object.keys(colours)
      .map((name) => [storage[name].map((n, i) => n + retrieval[name][i]), line(name, colours[name], 2)])
      .filter(([values]) => values.some(Boolean)),
  reputation: ({ r, rLow }) => [
    [scaled(r, 1e-4), line('R, %', colours.success, 2)],
    [scaled(rLow, 1e-4), line('lowest', colours.failure, 1)]
  ],
  latency: ({ answerMs, firstByteUs }) => [
    [answerMs, line('answer to a challenge, ms', colours.success, 2)],
    [scaled(firstByteUs, 1e-3), line('first byte for a verifier, ms', colours.refused, 2)]
  ],
  throughput: ({ bytesPerSecond }) => [
    [scaled(bytesPerSecond, 1 / (1 << 20)), line('MiB/s for a verifier', colours.success, 2)]
  ]
}

/** A chart of a series in a place. @returns uPlot, to be destroyed */
export function draw(place, series, kind) {
  const ink = getComputedStyle(place).color
  const lines = kinds[kind](series)
  const axis = { stroke: ink, grid: { stroke: '#8884', width: 1 }, ticks: { stroke: '#8884' } }
  return new uPlot(
    {
      width: Math.max(200, place.clientWidth - 16),
      height: 200,
      series: [{}, ...lines.map(([, how]) => how)],
      axes: [axis, axis]
    },
    [series.at.map((at) => at / 1_000), ...lines.map(([values]) => values)],
    place
  )
}
