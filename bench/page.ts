import { escaped, page, pageTable } from '../src/profile/html.js'
import type { Comparing } from './compare.js'
import type { BenchResult } from './harness.js'

/** A result as one page that needs nothing else. */
export function benchHtml(result: BenchResult, comparing?: Comparing): string {
  const { machine, results, notes, absent, rounds, quick } = result
  const body = [
    '<h1>Benchmarks</h1>',
    `<p class="soft" id="machine">${escaped(
      `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}; ${rounds} rounds${quick ? ', quick' : ''}`
    )}</p>`
  ]
  if (comparing) {
    const rows = comparing.changes.map(({ name, of, factor, noise, verdict }) => [
      name,
      verdict,
      of,
      factor.toFixed(3),
      `± ${(100 * noise).toFixed(1)} %`
    ])
    body.push('<h2>Compared</h2>', pageTable('changes', ['row', 'verdict', 'of', 'factor', 'noise'], rows))
  }
  for (const suite of new Set(results.map((row) => row.suite))) {
    const rows = results
      .filter((row) => row.suite === suite)
      .map((row) => [
        row.readers !== undefined && row.readers > 1 ? `${row.name}, ${row.readers} readers` : row.name,
        String(row.chunkBytes),
        String(row.threads),
        String(row.mbPerSecond),
        row.opsPerSecond === undefined ? '' : String(row.opsPerSecond),
        row.time ? row.time.p50Ms.toPrecision(4) : '',
        row.role,
        row.ratio?.toFixed(2) ?? '',
        row.alternativeRatio?.toFixed(2) ?? '',
        row.cpuMsPerMB?.toFixed(1) ?? '',
        row.cpuRatio?.toFixed(2) ?? ''
      ])
    const head = ['name', 'chunk', 'threads', 'MB/s', 'ops/s', 'p50 ms', 'role', 'ratio', 'of alternative']
    body.push(
      `<h2>${escaped(suite)}</h2>`,
      pageTable(`suite-${suite}`, [...head, 'CPU ms/MB', 'CPU ratio'], rows)
    )
  }
  const told = Object.entries(notes).map(([name, value]) => [name, String(value)])
  if (told.length > 0) body.push('<h2>Other figures</h2>', pageTable('notes', ['figure', 'value'], told))
  if (absent.length > 0) body.push(`<p class="soft">Left out: ${escaped(absent.join('; '))}.</p>`)
  body.push(
    `<details><summary>All figures as JSON</summary><pre id="raw">${escaped(JSON.stringify(result, null, 1))}</pre></details>`
  )
  return page('datdot bench', body)
}
