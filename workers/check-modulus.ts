import { factorBytes } from '../src/crypto/bounty.js'
import { findFactor } from '../src/crypto/modulus-search.js'
import { primeFault } from '../src/crypto/prime-proof.js'
import { workerTask } from './task.js'

/** What is wrong with a signer's modulus: the proof about its primes, some 40 ms, or a factor that can be found. */
export default workerTask<'check-modulus'>(({ modulus, segmentId, proof, search }) => {
  const fault = primeFault(modulus, segmentId, proof)
  if (fault) return { fault: 'primes', code: fault.code, message: fault.message }
  const factor = findFactor(modulus, search)
  return factor === undefined ? { fault: null } : { fault: 'factor', factor: factorBytes(factor) }
})
