import {
  anyOf,
  fields,
  keyText,
  many,
  maybe,
  phrase,
  whole,
  type Shape,
  type ShapeOf
} from '../../dashboard/api/shape.js'
import { pinStatuses } from '../../roles/sponsor/pins.js'

// What the pinning API takes and answers: the vocabulary of the IPFS pinning service, with keys of hypercores where that has CIDs.

/** Rows of a page at the most, and if nothing is said. */
export const PINS_MAX = 1_000
export const PINS_ROWS = 10
const CIDS_MAX = 10

const metaShape: Shape<Record<string, string>> = {
  schema: {
    type: 'object',
    maxProperties: 32,
    propertyNames: { maxLength: 64 },
    additionalProperties: { type: 'string', maxLength: 1_024 }
  }
}
const time: Shape<string> = { schema: { type: 'string', format: 'date-time', maxLength: 40 } }
const listed = (of: string, most: number): Shape<string> => ({
  schema: {
    type: 'string',
    pattern: `^(${of})(,(${of})){0,${most - 1}}$`,
    description: 'with commas between'
  }
})
const anyKey = phrase(128, 'key of a hypercore or drive, in any of its forms')

export const pinShape = fields({
  cid: anyKey,
  name: maybe(phrase(255)),
  origins: maybe(many(anyKey, 1)),
  meta: maybe(metaShape)
})
export type PinBody = ShapeOf<typeof pinShape>

const statusText = anyOf(pinStatuses)
export const pinStatusShape = fields({
  requestid: phrase(32),
  status: statusText,
  created: time,
  pin: fields({ cid: keyText, name: maybe(phrase(255)), origins: many(keyText, 1), meta: metaShape }),
  delegates: many(phrase(128), 1),
  info: fields({
    status_details: maybe(phrase(1_024, 'why it is queued or failed')),
    status_code: maybe(phrase(64, 'stable; docs/errors.md has all')),
    copies_whole: whole(),
    copies_wanted: whole(),
    cost: phrase(20, 'grains that it may cost or has cost, fees included; 1,000,000 are one datdot')
  })
})
export type PinAnswer = ShapeOf<typeof pinStatusShape>

export const pinResultsShape = fields({ count: whole(), results: many(pinStatusShape, PINS_MAX) })

export const idShape = fields({ requestid: phrase(64) })

export const listShape = fields({
  cid: maybe(listed('[\\w:/.-]{1,128}', CIDS_MAX)),
  name: maybe(phrase(255)),
  match: maybe(anyOf(['exact', 'iexact', 'partial', 'ipartial'] as const)),
  status: maybe(listed(pinStatuses.join('|'), pinStatuses.length)),
  before: maybe(time),
  after: maybe(time),
  limit: maybe<number>({ schema: { type: 'integer', minimum: 1, maximum: PINS_MAX } }),
  meta: maybe(phrase(4_096, 'JSON object of texts that a pin must have'))
})
export type ListQuery = ShapeOf<typeof listShape>

export const failureShape = fields({
  error: fields({ reason: phrase(64, 'stable; docs/errors.md has all'), details: phrase(2_048) })
})
