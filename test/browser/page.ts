import { verifyDetached } from '#crypto/keys.js'
import { provideCrypto, type Provided } from '../../src/crypto/browser/provided.js'
import { from } from './room.js'

export { agree, check } from './program.js'
export * as all from '../../src/browser.js'

/** To be called first, as a page does. */
export function begin(crypto: Provided): void {
  provideCrypto(crypto)
}

/** Whether each signature holds: 64 bytes of signature and 32 of public key, as hexadecimal digits; over the message. */
export function verified(message: string, signed: string): string {
  const holds = (JSON.parse(signed) as string[]).map((it) => {
    const bytes = from(it)
    return verifyDetached(bytes.subarray(0, 64), from(message), bytes.subarray(64))
  })
  return JSON.stringify(holds)
}
