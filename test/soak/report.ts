import { lineChart } from '../../src/profile/charts.js'
import { page, pageTable, escaped } from '../../src/profile/html.js'
import { figures, type Figure } from './figures.js'
import { trendOf, type Reading, type Trend } from './trend.js'

/** Readings of one figure of one program. */
export interface Series {
  program: string
  figure: Figure
  readings: Reading[]
}

export interface Row extends Trend {
  program: string
  figure: string
  unit: string
  limit: string
}

export function rowsOf(series: readonly Series[]): Row[] {
  return series
    .filter(({ readings }) => readings.length >= 8)
    .map(({ program, figure, readings }) => ({
      program,
      figure: figure.name,
      unit: figure.unit,
      limit: limitText(figure),
      ...trendOf(readings, figure.limits)
    }))
}

function limitText({ limits: { rise, most }, unit }: Figure): string {
  const of = (value: number): string => `${value} ${unit}`.trim()
  if (rise !== undefined) return `rise ${of(rise)}`
  return most === undefined ? '' : `most ${of(most)}`
}

const HEAD = ['program', 'figure', 'first', 'last', 'most', 'rise', 'an hour', 'limit', '']

const cellsOf = (row: Row): string[] => [
  row.program,
  row.unit === '' ? row.figure : `${row.figure}, ${row.unit}`,
  ...[row.first, row.last, row.most, row.rise, row.perHour].map((value) => value.toFixed(1)),
  row.limit,
  row.fault ?? 'ok'
]

/** The rows as text in columns. */
export function tableText(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cellsOf)]
  const widths = HEAD.map((_, at) => Math.max(...lines.map((cells) => cells[at]!.length)))
  const isText = (at: number): boolean => at < 2 || at > 6
  const padded = (cell: string, at: number): string =>
    isText(at) ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)
  return lines.map((cells) => cells.map(padded).join('  ').trimEnd()).join('\n') + '\n'
}

/** All of it as a page that needs nothing else. */
export function soakHtml(series: readonly Series[], rows: readonly Row[], notes: readonly string[]): string {
  const charts = figures.map(({ name, unit }, at) => {
    const lines = series
      .filter(({ figure, readings }) => figure.name === name && readings.length > 0)
      .map(({ program, readings }) => ({
        name: program,
        points: readings.map(({ minute, value }) => ({ x: minute, y: value }))
      }))
    if (lines.length === 0) return ''
    const end = (minute: number): string => `${minute.toFixed(0)} min`
    return `<h2>${escaped(name)}</h2>` + lineChart({ id: `figure-${at}`, title: name, lines, unit, end })
  })
  return page('datdot soak', [
    '<h1>A network under load, over time</h1>',
    ...notes.map((note) => `<p class="soft">${escaped(note)}</p>`),
    ...charts,
    '<h2>Trends</h2>',
    pageTable('trends', HEAD, rows.map(cellsOf))
  ])
}
