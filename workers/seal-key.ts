import { rsaKeyFromSeed } from '../src/crypto/rsa-key.js'
import { workerTask } from './task.js'

/** The RSA key of a `seal` segment: finding its primes takes some 30 ms. */
export default workerTask<'seal-key'>(({ seed, primes }) => rsaKeyFromSeed(seed, primes))
