import { SHAPE_FAULTS, shapeFault, type ShapeFault } from '../crypto/modulus.js'
import {
  decodeOperation,
  kindOnWire,
  verifySignatures,
  type Kind,
  type Operation
} from '../protocol/operations.js'

/** Operations whose signatures a worker checks: all in one piece of memory, which crosses threads as it is. */
export interface SignatureTask {
  chainId: Uint8Array
  bytes: Uint8Array
  lengths: Uint32Array
}

/** Operations of one call: enough that a call costs nothing beside them. */
const WIRES_PER_CALL = 256

/** Does a task of workers/verify-signatures, as `Engine.call` does. */
export type CallWorker = (name: 'verify-signatures', task: SignatureTask) => Promise<Uint8Array>

/** What a check says of an operation: bit 0, its signatures hold; above, what is known of the shape of its modulus. */
const HOLDS = 1
const shapes: readonly (ShapeFault | null | undefined)[] = [
  undefined,
  null,
  ...(Object.keys(SHAPE_FAULTS) as ShapeFault[])
]
/** Kinds in which a modulus may be named for the first time. */
const NAMING: ReadonlySet<Kind> = new Set(['deliver', 'accept'])

/**
 * What can be said of operations without the state, on any thread: whether all signatures hold, and of the moduli that they name
 * whether they have the shape of one. A byte an operation, which `holdsIn` and `shapeIn` read. Never throws.
 */
export function checkWires(chainId: Uint8Array, wires: readonly Uint8Array[]): Uint8Array {
  return verifySignatures(chainId, wires).map((holds, index) => {
    const wire = wires[index]!
    if (holds === 0 || !isCostly(wire)) return holds
    const modulus = modulusOf(decodeOperation(wire, true))
    return modulus ? HOLDS | (shapes.indexOf(shapeFault(modulus)) << 1) : HOLDS
  })
}

/** Whether an operation takes so long to check that it is worth another thread by itself. */
export function isCostly(wire: Uint8Array): boolean {
  const kind = kindOnWire(wire)
  return kind !== null && NAMING.has(kind)
}

/** The modulus that an operation names, if it is one of `seal`. */
export function modulusOf(operation: Operation): Uint8Array | null {
  if (operation.kind !== 'deliver' && operation.kind !== 'accept') return null
  const { codec, publicKey } = operation.body.record
  return codec === 'seal' ? publicKey : null
}

/** Whether the signatures of an operation hold, as `checkWires` says. */
export function holdsIn(check: number): boolean {
  return (check & HOLDS) !== 0
}

/** What is wrong with the modulus that an operation names; undefined where that was not looked at. */
export function shapeIn(check: number): ShapeFault | null | undefined {
  return shapes[check >> 1]
}

function packWires(chainId: Uint8Array, wires: readonly Uint8Array[]): SignatureTask {
  // A copy in memory of its own: a pooled Buffer would take its whole pool along.
  const bytes = new Uint8Array(wires.reduce((sum, wire) => sum + wire.byteLength, 0))
  let offset = 0
  for (const wire of wires) {
    bytes.set(wire, offset)
    offset += wire.byteLength
  }
  return {
    chainId: Uint8Array.from(chainId),
    bytes,
    lengths: Uint32Array.from(wires, (wire) => wire.byteLength)
  }
}

export function unpackWires({ bytes, lengths }: SignatureTask): Uint8Array[] {
  const wires: Uint8Array[] = []
  let offset = 0
  for (const length of lengths) {
    wires.push(bytes.subarray(offset, offset + length))
    offset += length
  }
  return wires
}

/** Checks operations on worker threads: one byte an operation, as `checkWires` gives them. */
export function signaturesOnWorkers(
  call: CallWorker
): (chainId: Uint8Array, wires: readonly Uint8Array[]) => Promise<Uint8Array> {
  return async (chainId, wires) => {
    const calls: Promise<Uint8Array>[] = []
    for (let from = 0; from < wires.length; from += WIRES_PER_CALL) {
      calls.push(call('verify-signatures', packWires(chainId, wires.slice(from, from + WIRES_PER_CALL))))
    }
    return Uint8Array.from((await Promise.all(calls)).flatMap((flags) => [...flags]))
  }
}
