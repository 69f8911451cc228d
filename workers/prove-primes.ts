import { encodePrimeProof } from '../src/crypto/prime-proof-format.js'
import { provePrimes } from '../src/crypto/prime-proof.js'
import { workerTask } from './task.js'

/** The proof that a key has at most four primes, some 0.3 s. Leaves the primes on this thread's heap. */
export default workerTask<'prove-primes'>(({ secretKey, segmentId }) =>
  encodePrimeProof(provePrimes(secretKey, segmentId))
)
