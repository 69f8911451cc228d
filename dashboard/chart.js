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

/** A chart of a series in a place: outcomes one upon another, or R. @returns uPlot, to be destroyed */
export function draw(place, series, kind) {
  const ink = getComputedStyle(place).color
  const x = series.at.map((at) => at / 1_000)
  const names = Object.keys(colours).filter((name) =>
    series.storage[name].concat(series.retrieval[name]).some(Boolean)
  )
  const [data, lines] =
    kind === 'reputation'
      ? [
          [
            x,
            series.r.map((r) => (r === null ? null : r / 10_000)),
            series.rLow.map((r) => (r === null ? null : r / 10_000))
          ],
          [
            { label: 'R, %', stroke: colours.success, width: 2, spanGaps: true },
            { label: 'lowest', stroke: colours.failure, width: 1, spanGaps: true }
          ]
        ]
      : [
          [x, ...names.map((name) => series.storage[name].map((n, i) => n + series.retrieval[name][i]))],
          names.map((name) => ({ label: name, stroke: colours[name], width: 2, points: { size: 4 } }))
        ]
  const axis = { stroke: ink, grid: { stroke: '#8884', width: 1 }, ticks: { stroke: '#8884' } }
  return new uPlot(
    { width: Math.max(200, place.clientWidth - 16), height: 200, series: [{}, ...lines], axes: [axis, axis] },
    data,
    place
  )
}
