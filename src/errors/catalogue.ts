import { chainErrors } from './chain.js'
import { chunkErrors } from './chunks.js'
import { dashboardErrors } from './dashboard.js'
import type { ErrorClass, ErrorEntry } from './entry.js'
import { evidenceErrors } from './evidence.js'
import { networkErrors } from './network.js'
import { operationErrors } from './operations.js'
import { pinningErrors } from './pinning.js'
import { problemErrors } from './problems.js'
import { programErrors } from './program.js'
import { storageErrors } from './storage.js'

/** All codes, by the areas that docs/errors.md has a section each of. */
export const areas = {
  'Command line, folders and files': programErrors,
  'Ledger, log and client': chainErrors,
  'Operations that the chain refuses': operationErrors,
  'Evidence, refusals and audit': evidenceErrors,
  'Network and transfers': networkErrors,
  Storage: storageErrors,
  'Chunks, keys, trees and the engine': chunkErrors,
  'Dashboard and API': dashboardErrors,
  'Pinning API': pinningErrors,
  'What a copy waits for, or a run came to': problemErrors
} as const

/** Every code with its class, cause and remedy. */
export const catalogue = {
  ...programErrors,
  ...chainErrors,
  ...operationErrors,
  ...evidenceErrors,
  ...networkErrors,
  ...storageErrors,
  ...chunkErrors,
  ...dashboardErrors,
  ...pinningErrors,
  ...problemErrors
} as const

type Catalogue = typeof catalogue

/** A code of the catalogue. */
export type ErrorCode = keyof Catalogue

/** The codes that a class carries. */
export type CodeOf<C extends ErrorClass> = {
  [K in ErrorCode]: Catalogue[K]['class'] extends C ? K : never
}[ErrorCode]

/** What the catalogue says of a code. */
export function describe(code: ErrorCode): ErrorEntry {
  return catalogue[code]
}

/** Whether a text, such as one from a peer, is a code of the catalogue. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code)
}
