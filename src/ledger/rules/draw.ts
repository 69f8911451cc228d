import { hash } from '#crypto/hash.js'

/** Seed of a draw: of the pinner or the signer of a task, with the number that the draw gets. */
export function drawSeed(
  chainId: Uint8Array,
  role: string,
  task: number,
  draw: number,
  beacon: Uint8Array
): Uint8Array {
  return hash('datdot/draw/2', chainId, role, task, draw, beacon)
}

/** Seed of the draw of a copy's verifiers in an epoch. */
export function verifierSeed(
  chainId: Uint8Array,
  epoch: number,
  copy: number,
  beacon: Uint8Array
): Uint8Array {
  return hash('datdot/verifiers/2', chainId, epoch, copy, beacon)
}
