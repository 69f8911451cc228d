import { DATDOT } from '../protocol/parameters.js'

/** Grains as datdots, with as many digits as there are. */
export function amountText(grains: bigint): string {
  const sign = grains < 0n ? '-' : ''
  const absolute = grains < 0n ? -grains : grains
  const rest = (absolute % DATDOT).toString().padStart(6, '0').replace(/0+$/, '')
  return `${sign}${absolute / DATDOT}${rest === '' ? '' : `.${rest}`}`
}
