import { factorBytes } from '../src/crypto/bounty.js'
import { searchFactor } from '../src/crypto/factor-search.js'
import { bigintOf } from '../src/crypto/rsa-key.js'
import { workerTask } from './task.js'

/** One step of the search for a factor of a modulus: p - 1, or one curve, some seconds. */
export default workerTask<'search-factor'>(({ modulus, seed, from }) => {
  const { factor, next } = searchFactor(bigintOf(modulus), { seed, from, products: 1 })
  return { factor: factor === undefined ? null : factorBytes(factor), next }
})
