import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../helpers/folder.js'
import { figures, parseMetrics, sizesOf } from './figures.js'
import { rowsOf, soakHtml, tableText, type Series } from './report.js'

const text = `# HELP process_open_fds Number of open file descriptors.
# TYPE process_open_fds gauge
process_open_fds 52
nodejs_heap_size_used_bytes 4.5e+7
datdot_ready{role="a"} 1
datdot_ready{role="b"} 1
datdot_deadline_seconds{role="a"} Nan
`

test('metrics are read by name, those with labels as their sum, and what is no number not at all', () => {
  const metrics = parseMetrics(text)
  assert.equal(metrics.get('process_open_fds'), 52)
  assert.equal(metrics.get('nodejs_heap_size_used_bytes'), 45e6)
  assert.equal(metrics.get('datdot_ready'), 2)
  assert.equal(metrics.has('datdot_deadline_seconds'), false)
})

test('a folder is as large as the files in all of it, and its longest write-ahead log is told apart', async (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'ledger'))
  writeFileSync(join(folder, 'ledger', 'ledger.db-wal'), Buffer.alloc(300))
  writeFileSync(join(folder, 'other.db-wal'), Buffer.alloc(200))
  writeFileSync(join(folder, 'file'), Buffer.alloc(50))
  assert.deepEqual(await sizesOf(folder), { bytes: 550, walBytes: 300 })
  assert.deepEqual(await sizesOf(join(folder, 'none')), { bytes: 0, walBytes: 0 })
})

test('what rises is named in the table and drawn on the page', () => {
  const figure = figures.find(({ name }) => name === 'descriptors')!
  const readings = Array.from({ length: 20 }, (_, minute) => ({ minute, value: 50 + minute }))
  const series: Series[] = [{ program: 'node-1', figure, readings }]
  const rows = rowsOf(series)
  assert.equal(rows[0]?.fault, 'rises')
  assert.match(tableText(rows), /node-1 +descriptors +55\.0 +69\.0 +69\.0 +14\.0 +60\.0 +rise 8 +rises/)
  const page = soakHtml(series, rows, ['<b>'])
  assert.match(page, /<svg id="figure-3"/)
  assert.ok(page.includes('&lt;b&gt;') && !page.includes('<b>'))
})
