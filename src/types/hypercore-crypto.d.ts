/** The part of hypercore-crypto 3 that datdot calls; it ships no types of its own. */
declare module 'hypercore-crypto' {
  interface Node {
    index: number
    size: number
    hash: Uint8Array
  }
  const crypto: {
    discoveryKey(key: Uint8Array): Buffer
    data(block: Uint8Array): Buffer
    parent(a: Node, b: Node): Buffer
    tree(roots: readonly Node[]): Buffer
  }
  export default crypto
}
