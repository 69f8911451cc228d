import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../bytes.js'
import { claimFactorBounty, prepareClaim, type ClaimPorts, type FactorClaim } from '../client/bounty.js'
import { RSA_BYTES, bigintOf } from '../crypto/rsa-key.js'
import { readSecretFile, writeSecretFile } from '../secret-file.js'

/**
 * Claims with factors, each kept in a file from before it is committed to until it is decided: factor, then salt. Who has the file has
 * the factor, so it is as secret as a key.
 */
export class FactorClaims {
  readonly #dir: string
  readonly #ports: ClaimPorts

  constructor(dir: string, ports: ClaimPorts) {
    this.#dir = dir
    this.#ports = ports
  }

  /** Claims with a factor, or goes on with a claim on this segment. @throws ChainError if the chain does not take it */
  async claim(segment: Uint8Array, factor: bigint): Promise<void> {
    await this.#finish(await this.#prepared(segment, factor))
  }

  /** Keeps a claim that `resume` makes. @throws ChainError `BOUNTY_NONE`, `FACTOR_WRONG` */
  async prepare(segment: Uint8Array, factor: bigint): Promise<void> {
    await this.#prepared(segment, factor)
  }

  /** Segments whose claims are not decided. */
  async open(): Promise<Uint8Array[]> {
    const names = await readdir(this.#dir).catch(() => [])
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => Buffer.from(name, 'hex'))
  }

  /** Goes on with an interrupted claim. @throws ChainError if the chain does not take it */
  async resume(segment: Uint8Array): Promise<void> {
    const kept = await this.#kept(segment)
    if (kept) await this.#finish(kept)
  }

  async #prepared(segment: Uint8Array, factor: bigint): Promise<FactorClaim> {
    const kept = await this.#kept(segment)
    if (kept !== null && bigintOf(kept.factor) === factor) return kept
    const claim = await prepareClaim(this.#ports, segment, factor)
    await this.#keep(claim)
    return claim
  }

  async #finish(claim: FactorClaim): Promise<void> {
    try {
      await claimFactorBounty(this.#ports, claim)
    } catch (error) {
      // What the chain has decided is not tried again.
      if (!isDecided(error)) throw error
      await rm(this.#pathOf(claim.segment), { force: true })
      throw error
    }
    await rm(this.#pathOf(claim.segment), { force: true })
  }

  async #keep({ segment, factor, salt }: FactorClaim): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    await writeSecretFile(this.#pathOf(segment), Buffer.concat([factor, salt]))
  }

  async #kept(segment: Uint8Array): Promise<FactorClaim | null> {
    const bytes = await readSecretFile(this.#pathOf(segment))
    if (bytes?.byteLength !== RSA_BYTES + 32) return null
    return { segment, factor: bytes.subarray(0, RSA_BYTES), salt: bytes.subarray(RSA_BYTES) }
  }

  #pathOf(segment: Uint8Array): string {
    return join(this.#dir, toHex(segment))
  }
}

/** Whether an error is the chain's last word on a claim. */
export function isDecided(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'BOUNTY_NONE' || code === 'BOUNTY_CLAIMED' || code === 'FACTOR_WRONG'
}
