import { CryptoError } from '../errors.js'
import { nativeLevel } from './native.js'
import { rsaAddon, type RsaAddon } from './rsa-addon.js'
import { openBigint, parseBigintKey, sealBigint, type BigintKey } from './rsa-bigint.js'
import { RSA_BYTES, checkModulus, parseSecretKey, primesOfSecretKey } from './rsa-key.js'

/** Plain bytes of one block; sealed it has RSA_BYTES. */
export const PAYLOAD_BYTES = 255

/**
 * How the exponentiations are done. All give the same bytes: `ifma` eight blocks at a time in AVX-512
 * registers, `avx2` as many in the floating-point units of other x86 machines, `portable` in C for any 64-bit
 * machine, `bigint` in TypeScript where nothing was compiled.
 */
export type RsaPath = 'ifma' | 'avx2' | 'portable' | 'bigint'

/** The paths of native/rsa, fastest first, and their numbers there. */
export const NATIVE_PATHS = { ifma: 2, avx2: 1, portable: 0 } as const satisfies Partial<
  Record<RsaPath, number>
>
export type NativePath = keyof typeof NATIVE_PATHS

/** A loaded public key: opens what its private key sealed. Belongs to the thread that loaded it. */
export interface RsaPublicKey {
  readonly path: RsaPath
  /**
   * `sealed` is n blocks of 256 bytes, `plain` n of 255, apart from each other. Returns -1, or the number of
   * the first block that is not below the modulus or does not open to 255 bytes; only those before it are
   * then opened.
   *
   * @throws CryptoError `RSA_ARGUMENT` for lengths that do not fit
   */
  open(sealed: Uint8Array, plain: Uint8Array): number
}

/** A loaded private key. */
export interface RsaPrivateKey extends RsaPublicKey {
  /** The 256 bytes of the modulus, big-endian: the public key. */
  readonly modulus: Buffer
  /**
   * `plain` is n blocks of 255 bytes, `sealed` n of 256, apart from each other. Every result was checked with
   * the public operation before it is returned.
   *
   * @throws CryptoError `RSA_CHECK` if a check failed; `sealed` is then all zeros
   * @throws CryptoError `RSA_ARGUMENT` for lengths that do not fit, or after `wipe`
   */
  seal(plain: Uint8Array, sealed: Uint8Array): void
  /** Overwrites the loaded key. */
  wipe(): void
}

/** The paths that work here, fastest first. `DATDOT_NATIVE` leaves only the one that it names. */
export function rsaPaths(): RsaPath[] {
  const level = nativeLevel()
  const core = rsaAddon()
  const native = Object.keys(NATIVE_PATHS) as NativePath[]
  const paths: RsaPath[] = native.filter((path) => core?.supports(NATIVE_PATHS[path]))
  paths.push('bigint')
  if (level === undefined) return paths
  return paths.filter((path) => path === (level === 'off' ? 'bigint' : level))
}

/**
 * Loads a public key: the modulus, 256 bytes, big-endian.
 *
 * @throws CryptoError `RSA_KEY` for anything but an odd number of exactly 2048 bits
 */
export function loadRsaPublicKey(modulus: Uint8Array, path: RsaPath = fastestPath()): RsaPublicKey {
  checkModulus(modulus)
  if (path === 'bigint') return new BigintPublicKey(parseBigintKey(modulus, []))
  const core = neededAddon(path)
  return new NativePublicKey(
    core,
    coded(() => core.publicKey(modulus)),
    path
  )
}

/**
 * Loads a private key in the form of `serializeSecretKey`.
 *
 * @throws CryptoError `RSA_KEY` for one that is malformed, has equal primes, or primes of a wrong size
 */
export function loadRsaPrivateKey(secretKey: Uint8Array, path: RsaPath = fastestPath()): RsaPrivateKey {
  if (path === 'bigint') {
    const { primes, primeBytes, modulus } = parseSecretKey(secretKey)
    const list = Array.from({ length: primes.byteLength / primeBytes }, (_, i) =>
      primes.subarray(i * primeBytes, (i + 1) * primeBytes)
    )
    return new BigintPrivateKey(parseBigintKey(modulus, list), modulus)
  }
  const core = neededAddon(path)
  // No number of the key ever is one of JavaScript, which could not be wiped.
  const { primes } = primesOfSecretKey(secretKey)
  return new NativePrivateKey(
    core,
    coded(() => core.privateKey(primes)),
    path
  )
}

class NativePublicKey implements RsaPublicKey {
  readonly path: NativePath
  protected readonly addon: RsaAddon
  protected readonly key: object

  constructor(addon: RsaAddon, key: object, path: NativePath) {
    this.addon = addon
    this.key = key
    this.path = path
  }

  open(sealed: Uint8Array, plain: Uint8Array): number {
    return coded(() => this.addon.open(this.key, sealed, plain, NATIVE_PATHS[this.path]))
  }
}

class NativePrivateKey extends NativePublicKey implements RsaPrivateKey {
  readonly modulus: Buffer

  constructor(addon: RsaAddon, key: object, path: NativePath) {
    super(addon, key, path)
    this.modulus = Buffer.from(coded(() => addon.modulus(key)))
  }

  seal(plain: Uint8Array, sealed: Uint8Array): void {
    coded(() => this.addon.seal(this.key, plain, sealed, NATIVE_PATHS[this.path]))
  }

  wipe(): void {
    this.addon.wipe(this.key)
  }
}

class BigintPublicKey implements RsaPublicKey {
  readonly path = 'bigint'
  protected key: BigintKey | undefined

  constructor(key: BigintKey) {
    this.key = key
  }

  open(sealed: Uint8Array, plain: Uint8Array): number {
    if (this.key === undefined) throw new CryptoError('RSA_ARGUMENT', 'the key was wiped')
    checkBlocks(plain, sealed)
    return openBigint(this.key, sealed, plain)
  }
}

class BigintPrivateKey extends BigintPublicKey implements RsaPrivateKey {
  readonly modulus: Buffer

  constructor(key: BigintKey, modulus: Buffer) {
    super(key)
    this.modulus = modulus
  }

  seal(plain: Uint8Array, sealed: Uint8Array): void {
    if (this.key === undefined) throw new CryptoError('RSA_ARGUMENT', 'the key was wiped')
    checkBlocks(plain, sealed)
    if (sealBigint(this.key, plain, sealed)) return
    sealed.fill(0)
    throw new CryptoError('RSA_CHECK', 'a sealed block did not open to what was sealed')
  }

  /** Drops the numbers; the engine's garbage collector decides when their memory is used again. */
  wipe(): void {
    this.key = undefined
  }
}

function fastestPath(): RsaPath {
  const path = rsaPaths()[0]
  if (path === undefined) {
    throw new CryptoError('RSA_PATH', `this machine cannot do what DATDOT_NATIVE=${nativeLevel()} asks for`)
  }
  return path
}

function neededAddon(path: NativePath): RsaAddon {
  const core = rsaAddon()
  if (!core?.supports(NATIVE_PATHS[path])) {
    throw new CryptoError('RSA_PATH', `this machine has no path "${path}"`)
  }
  return core
}

function checkBlocks(plain: Uint8Array, sealed: Uint8Array): void {
  const count = sealed.byteLength / RSA_BYTES
  if (!Number.isInteger(count) || plain.byteLength !== count * PAYLOAD_BYTES) {
    throw new CryptoError('RSA_ARGUMENT', 'needs n x 255 plain and n x 256 sealed bytes')
  }
}

/** What the addon finds wrong with what it is given. */
const ADDON_CODES = ['RSA_ARGUMENT', 'RSA_CHECK', 'RSA_KEY'] as const

/** The addon throws plain errors with our codes; callers get our class. */
function coded<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    const known = ADDON_CODES.find((other) => other === code)
    // Else it is none of the caller's doing, such as memory that is used up.
    if (known === undefined) throw error
    throw new CryptoError(known, message, { cause: error })
  }
}
