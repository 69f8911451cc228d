/** Amounts, sizes and times as people read them. */
export function datdots(grains) {
  const value = BigInt(grains)
  const [sign, size] = value < 0n ? ['-', -value] : ['', value]
  const rest = String(size % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return `${sign}${(size / 1_000_000n).toLocaleString('en')}${rest && `.${rest}`}`
}

export function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let [value, unit] = [count, 0]
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1]
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

export function span(ms) {
  const steps = [
    ['year', 31_536_000_000],
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1_000]
  ]
  for (const [name, size] of steps) {
    if (ms < size) continue
    const count = Math.floor(ms / size)
    return `${count.toLocaleString('en')} ${name}${count === 1 ? '' : 's'}`
  }
  return 'less than a second'
}

export const ago = (at) => (at === null ? 'never' : `${span(Math.max(0, Date.now() - at))} ago`)
export const date = (at) => new Date(at).toISOString().replace('T', ' ').slice(0, 19)
export const share = (ppm) => `${(ppm / 10_000).toFixed(1)} %`
export const short = (key) => (key === null ? '–' : `${key.slice(0, 10)}…`)
