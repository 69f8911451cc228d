import { COLOURS, breakEvenChart, escaped, stagesChart, threadsChart, throughputChart } from './charts.js'
import { mbitName, perMB, type ProfileReport } from './report.js'
import { threeDigits, measuredWays, percent } from './text.js'

export { escaped } from './charts.js'

const STYLE = `
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --soft: #5b6570; --line: #d5dae0; --box: #f5f7f9;
  --c0:#3366cc; --c1:#dc6b2f; --c2:#2e8b57; --c3:#a04fa0; --c4:#b8860b; --c5:#c23b5a; --c6:#2a8fa8; --c7:#7a7a3a; --c8:#6a5acd; --c9:#8b5a2b; --c10:#4f7f2f; --c11:#777; --c12:#d4a5a5; --c13:#1f3b73; --c14:#b5d33d; --c15:#20b2aa; }
@media (prefers-color-scheme: dark) { :root { --back: #14171a; --text: #e6e9ec; --soft: #9aa4ae; --line: #343a41; --box: #1d2125;
  --c0:#6f9cf0; --c1:#f0935f; --c2:#5cc08a; --c3:#cf8bcf; --c4:#e0b548; --c5:#ee7a93; --c6:#62c3db; --c7:#b5b56a; --c8:#a79bf5; --c9:#c9935f; --c10:#8fc266; --c11:#aaa; --c12:#f4caca; --c13:#4c66a4; --c14:#d3ef62; --c15:#63e0d8; } }
* { box-sizing: border-box } body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif } h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
p.answer { background: var(--box); border-left: 4px solid var(--c0); padding: .8rem 1rem; font-size: 1.05rem }
p.soft, caption { color: var(--soft); text-align: left } svg { width: 100%; height: auto; display: block }
svg text { fill: var(--text); font: 12px system-ui, sans-serif } polyline { fill: none; stroke-width: 2 }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem } .legend i { display: inline-block; width: .8em;
  height: .8em; margin-right: .4em } .scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem; white-space: nowrap }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right } th:first-child, td:first-child { text-align: left }
pre { overflow-x: auto; background: var(--box); padding: .8rem; font-size: .75rem; max-height: 30rem }
${Array.from({ length: COLOURS }, (_, i) => `.c${i}{fill:var(--c${i})}.l${i}{stroke:var(--c${i})}.b${i}{background:var(--c${i})}`).join('')}
`

/** A report as one page that needs nothing else: no script, no network. */
export function profileHtml(report: ProfileReport): string {
  const { machine, link, input, chunkBytes, threads, answer } = report
  const body = [
    '<h1>Is the network or the encryption the limit?</h1>',
    `<p class="answer" id="answer">${escaped(answer)}</p>`,
    `<p class="soft" id="machine">${escaped(
      `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}; ${input}, chunks of ${chunkBytes} bytes, ${threads} worker threads a process, over ${link}`
    )}</p>`,
    '<h2>Stages</h2>',
    '<p class="soft">CPU time, in ms a MB of plain bytes; each codec to its own scale.</p>',
    stagesChart(report),
    '<h2>Throughput over time</h2>',
    throughputChart(report),
    '<h2>Threads</h2>',
    '<p class="soft">CPU time over elapsed time, in cores.</p>',
    threadsChart(report),
    '<h2>Break-even</h2>',
    '<p class="soft">What each way carries over a link of a given speed, worked out from what its ends cost: the point is where the machine becomes the limit.</p>',
    breakEvenChart(report),
    '<h2>Links</h2>',
    linksTable(report),
    '<h2>Ways</h2>',
    waysTable(report),
    '<h2>Stages in numbers</h2>',
    stagesTable(report),
    '<h2>Raw figures</h2>',
    `<details><summary>All figures as JSON</summary><pre id="raw">${escaped(JSON.stringify(report, null, 1))}</pre></details>`
  ]
  return page('datdot profile', body)
}

/** A page that needs nothing else. */
export function page(title: string, body: readonly string[]): string {
  return (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    '<link rel="icon" href="data:,">' +
    `<title>${escaped(title)}</title><style>${STYLE}</style></head><body>\n${body.join('\n')}\n</body></html>\n`
  )
}

/** A table that scrolls by itself where the screen is narrow. */
export function pageTable(id: string, head: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  return `<div class="scroll"><table id="${id}"><thead>${line(head, 'th')}</thead><tbody>${rows
    .map((row) => line(row, 'td'))
    .join('')}</tbody></table></div>`
}

function waysTable(report: ProfileReport): string {
  const rows = measuredWays(report).flatMap(({ name, moved }) =>
    (['from', 'to'] as const).map((side) => {
      const use = moved[side]
      return [
        `${name}: ${side}`,
        threeDigits(moved.mbPerSecond),
        threeDigits(perMB(use.cpuMs, use)),
        threeDigits(perMB(use.threads.main, use)),
        threeDigits(perMB(use.threads.workers, use)),
        threeDigits(perMB(use.threads.other, use)),
        percent(use.loop)
      ]
    })
  )
  return pageTable('ways', ['way', 'MB/s', 'CPU ms/MB', 'main', 'workers', 'other', 'event loop'], rows)
}

function stagesTable({ codecs }: ProfileReport): string {
  const rows = codecs.flatMap(({ codec, handOver, serve }) =>
    [
      { name: `${codec}: signer`, use: handOver.from },
      { name: `${codec}: pinner takes`, use: handOver.to },
      { name: `${codec}: pinner serves`, use: serve.from }
    ].flatMap(({ name, use }) => [
      ...use.stages.map(({ stage, thread, cpuMs }) => [
        name,
        stage,
        thread,
        threeDigits(perMB(cpuMs, use)),
        threeDigits(1000 / perMB(cpuMs, use))
      ]),
      ...use.waits.map(({ what, ms }) => [name, `waited for ${what}`, '', percent(ms / use.wallMs), ''])
    ])
  )
  return pageTable('stage-figures', ['process', 'stage', 'threads', 'ms/MB', 'MB/s a core'], rows)
}

function linksTable({ links }: ProfileReport): string {
  const rows = links.map(({ way, mbit, delayMs, mbPerSecond, limit, side }) => [
    way,
    mbitName(mbit),
    `${delayMs} ms`,
    threeDigits(mbPerSecond),
    side === null ? limit : `${side}'s ${limit}`,
    'computed'
  ])
  return pageTable('links', ['way', 'link', 'delay', 'MB/s', 'limit', ''], rows)
}
