import type { ChainClient } from '../client/client.js'
import type { Clock } from '../clock.js'
import { Resource } from '../lifecycle.js'
import type { Logger } from '../log.js'
import { Restarting } from '../restarting.js'
import type { Participant, RoleChange } from './participant.js'

/** Makes the role, not open yet, with what has changed since; it calls `broken` once it must be opened anew. */
type MakeRole = (changed: Partial<RoleChange>, broken: (error: Error) => void) => Resource & Participant

/** A role that is closed and opened again when its disk is well after it failed, and goes on where it was. */
export class RestartingRole extends Resource implements Participant {
  readonly #role: Restarting<Resource & Participant>
  #changed: Partial<RoleChange> = {}
  #joined = false

  constructor({ clock, log }: { clock: Clock; log: Logger }, make: MakeRole) {
    super()
    this.#role = new Restarting({
      make: (broken) => make(this.#changed, broken),
      again: async (role) => {
        if (this.#joined) await role.join()
      },
      clock,
      log
    })
  }

  /** Throws as opening the role does. */
  protected async start(): Promise<void> {
    await this.acquire('role', this.#role)
  }

  get publicKey(): Buffer {
    return this.#role.part.publicKey
  }

  /** Of the one that is open now: to be asked for again after each time that the role was opened anew. */
  get chain(): ChainClient {
    return this.#role.part.chain
  }

  get hypercores(): number {
    return this.#role.part.hypercores
  }

  get trouble(): string | null {
    return this.#role.trouble?.message ?? this.#role.part.trouble
  }

  async join(): Promise<void> {
    this.#joined = true
    await this.#role.part.join()
  }

  change(change: RoleChange): void {
    this.#changed = change
    if (!this.#role.trouble) this.#role.part.change(change)
  }
}
