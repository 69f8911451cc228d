/** A JSON Schema with the TypeScript type of what it describes: it checks what comes, writes what goes, and is the API's description. */
export interface Shape<T> {
  readonly schema: Readonly<Record<string, unknown>>
  /** Never there: carries the type. */
  readonly type?: T
  readonly optional?: boolean
}

export type ShapeOf<S> = S extends Shape<infer T> ? T : never

const shape = <T>(schema: Record<string, unknown>): Shape<T> => ({ schema })

/** Largest whole number that JSON's readers keep. */
const MAX = Number.MAX_SAFE_INTEGER

export const whole = (maximum = MAX, description?: string): Shape<number> =>
  shape({ type: 'integer', minimum: 0, maximum, ...(description && { description }) })
export const real = (description?: string): Shape<number> =>
  shape({ type: 'number', ...(description && { description }) })
export const yesOrNo: Shape<boolean> = shape({ type: 'boolean' })
export const phrase = (maxLength: number, description?: string): Shape<string> =>
  shape({ type: 'string', maxLength, ...(description && { description }) })
export const hex32: Shape<string> = shape({ type: 'string', pattern: '^[0-9a-f]{64}$' })
export const hexOf = (bytes: number): Shape<string> =>
  shape({ type: 'string', pattern: '^([0-9a-f]{2})*$', maxLength: 2 * bytes })
/** A public key or a hypercore's, as datdot prints it. */
export const keyText: Shape<string> = shape({
  type: 'string',
  pattern: '^[a-z0-9]{52}$',
  description: 'z-base-32 of 32 bytes'
})
export const grains: Shape<string> = shape({
  type: 'string',
  pattern: '^-?[0-9]{1,20}$',
  description: 'grains; 1,000,000 are one datdot'
})
export const moment: Shape<number> = shape({
  type: 'integer',
  minimum: 0,
  maximum: MAX,
  description: "the chain's date, ms since 1970"
})
export const ppm: Shape<number> = shape({
  type: 'integer',
  minimum: 0,
  maximum: 1_000_000,
  description: 'parts per million'
})

export const anyOf = <const W extends string>(names: readonly W[]): Shape<W> =>
  shape({ type: 'string', enum: [...names] })
export const orNull = <T>(of: Shape<T>): Shape<T | null> => shape({ ...of.schema, nullable: true })
export const many = <T>(of: Shape<T>, maxItems: number): Shape<T[]> =>
  shape({ type: 'array', items: of.schema, maxItems })
/** Only of what is asked: an answer says all that it has. */
export const maybe = <T>(of: Shape<T>): Shape<T | undefined> & { readonly optional: true } => ({
  schema: of.schema,
  optional: true
})

type Fields = Record<string, Shape<unknown>>
type ObjectOf<F extends Fields> = { [K in keyof F]: ShapeOf<F[K]> }

export function fields<F extends Fields>(of: F): Shape<ObjectOf<F>> {
  const required = Object.keys(of).filter((name) => !of[name]!.optional)
  const properties = Object.fromEntries(Object.entries(of).map(([name, { schema }]) => [name, schema]))
  return shape({ type: 'object', properties, required, additionalProperties: false })
}
