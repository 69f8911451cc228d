import {
  mbitName,
  perMB,
  type CodecFigures,
  type LinkFigure,
  type Moved,
  type ProfileReport
} from './report.js'
import type { EndUse } from './port.js'

/** A report as text for a terminal. */
export function profileText(report: ProfileReport): string {
  const { machine, chunkBytes, input, threads, link } = report
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}`,
    `${input}, chunks of ${chunkBytes} bytes, ${threads} worker threads a process, over ${link}`,
    '',
    ...waysTable(report)
  ]
  for (const figures of report.codecs) lines.push('', ...stagesTable(figures))
  lines.push('', ...costsTable(report), '', ...linksTable(report.links), '', report.answer, '')
  return lines.join('\n')
}

/** Every way that was measured, with a name. */
export function measuredWays(report: ProfileReport): { name: string; moved: Moved }[] {
  return [
    { name: 'raw encrypted stream', moved: report.raw },
    { name: 'replication, stock', moved: report.replication },
    ...report.codecs.flatMap(({ codec, handOver, serve }) => [
      { name: `hand over ${codec}`, moved: handOver },
      { name: `serve ${codec}`, moved: serve }
    ])
  ]
}

function waysTable(report: ProfileReport): string[] {
  const rows = measuredWays(report).map(({ name, moved }) => [
    name,
    threeDigits(moved.mbPerSecond),
    ...[moved.from, moved.to].flatMap((use) => [
      threeDigits(perMB(use.cpuMs, use)),
      ...(['main', 'workers', 'other'] as const).map((group) => percent(use.threads[group] / use.wallMs)),
      percent(use.loop)
    ])
  ])
  const side = ['ms/MB', 'main', 'workers', 'other', 'loop']
  return [
    'CPU ms a MB of each process, and CPU of its threads in percent of one core; loop: time in which its event loop was not idle',
    ...table(
      ['way', 'MB/s', ...side.map((name) => `from: ${name}`), ...side.map((name) => `to: ${name}`)],
      rows
    )
  ]
}

function stagesTable({ codec, handOver, serve, setupMs }: CodecFigures): string[] {
  const of = (name: string, use: EndUse): string[][] =>
    use.stages.map(({ stage, cpuMs, thread }) => [
      name,
      stage,
      thread,
      threeDigits(cpuMs),
      threeDigits(perMB(cpuMs, use)),
      threeDigits(1000 / perMB(cpuMs, use))
    ])
  const waits = (name: string, use: EndUse): string =>
    `${name} waited for ${use.waits.map(({ what, ms }) => `${what} ${percent(ms / use.wallMs)}`).join(', ')}`
  return [
    `${codec}: where the time went${setupMs > 0 ? `; key and proof, once a segment: ${Math.round(setupMs)} ms` : ''}`,
    ...table(
      ['process', 'stage', 'threads', 'CPU ms', 'ms/MB', 'MB/s a core'],
      [...of('signer', handOver.from), ...of('pinner', handOver.to), ...of('pinner, serving', serve.from)]
    ),
    `${waits('the signer', handOver.from)}; ${waits('the pinner', handOver.to)}; ${waits('the pinner, serving,', serve.from)}`
  ]
}

function costsTable({ costs, capacities, cores }: ProfileReport): string[] {
  const rows = costs.map((cost) => [
    cost.codec,
    threeDigits(cost.encodeMsPerMB),
    threeDigits(cost.openMsPerMB),
    threeDigits(cost.networkMsPerMB),
    threeDigits(cost.encryptionToNetwork),
    threeDigits(cost.encodeMbPerSecond),
    mbitName(cost.breakEvenMbit)
  ])
  const ends = capacities.map(({ way, side, mbPerSecond, bound, breakEvenMbit }) => [
    way,
    side,
    threeDigits(mbPerSecond),
    bound,
    mbitName(breakEvenMbit)
  ])
  return [
    `Encoding beside the network, for a machine with ${cores} cores at one end`,
    ...table(
      [
        'codec',
        'encode ms/MB',
        'open ms/MB',
        'network ms/MB',
        'encode : network',
        'encode MB/s',
        'break-even'
      ],
      rows
    ),
    '',
    'What each end could do if it had the machine for itself: above that link speed it, and not the link, is the limit',
    ...table(['way', 'side', 'MB/s', 'bound by', 'break-even'], ends)
  ]
}

function linksTable(links: readonly LinkFigure[]): string[] {
  const rows = links.map(({ way, mbit, delayMs, mbPerSecond, limit, side }) => [
    way,
    mbitName(mbit),
    `${delayMs} ms`,
    threeDigits(mbPerSecond),
    side === null ? limit : `${side}'s ${limit}`
  ])
  return [
    'Over links (computed from the stages above, not measured)',
    ...table(['way', 'link', 'delay', 'MB/s', 'limit'], rows)
  ]
}

/** A number with three digits that count. */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return ''
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function table(head: string[], rows: string[][]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const isText = (i: number): boolean => rows.every((row) => !/^[\d.]+( %)?$/.test(row[i]!) || row[i] === '')
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => (isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd()
  )
}
