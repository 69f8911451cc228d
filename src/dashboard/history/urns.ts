import type { WatchedDraw } from '../draw-watch.js'
import type { HistoryFile } from './rows.js'

/** Bytes of weights that are kept: of older draws `datdot verify-draw` makes them again from the log. */
const URN_BYTES_MAX = 64 << 20

export function keepUrn(file: HistoryFile, draw: number, seen: WatchedDraw): void {
  const { total, weights, excluded, lots } = seen
  const bytes = Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength)
  file.run(
    'INSERT OR REPLACE INTO urns (draw, total, weights, excluded, lots) VALUES (?, ?, ?, ?, ?)',
    draw,
    total,
    bytes,
    JSON.stringify(excluded),
    JSON.stringify(lots)
  )
  // As many as this one's size allows: urns of one network grow slowly.
  const most = Math.max(16, Math.floor(URN_BYTES_MAX / Math.max(64, bytes.byteLength)))
  file.run('DELETE FROM urns WHERE draw <= ?', draw - most)
}

export function keptUrn(file: HistoryFile, draw: number): WatchedDraw | null {
  const row = file.get('SELECT * FROM urns WHERE draw = ?', draw)
  if (!row) return null
  const bytes = Uint8Array.from(row.weights as Buffer)
  return {
    total: Number(row.total),
    weights: new Uint32Array(bytes.buffer),
    excluded: JSON.parse(row.excluded as string) as WatchedDraw['excluded'],
    lots: JSON.parse(row.lots as string) as WatchedDraw['lots']
  }
}
