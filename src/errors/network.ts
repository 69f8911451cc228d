import type { ErrorArea } from './entry.js'

/** Reading hypercores over the network, and handing segments from signer to pinner. */
export const networkErrors = {
  DHT_PRIVATE_ONLY: {
    class: 'InputError',
    cause: '`DATDOT_PRIVATE_ONLY=1` is set, as tests and CI do, and no nodes of a private DHT were named.',
    remedy: 'Add `--bootstrap HOST:PORT`, or unset the variable to use the public DHT.'
  },
  FAUCET_NONE: {
    class: 'SwarmError',
    cause: "The chain's operator runs no faucet.",
    remedy: 'Ask somebody who has tokens for an invite, or to transfer some.'
  },
  FAUCET_KNOWN: {
    class: 'SwarmError',
    cause: 'The faucet gives to keys that the chain has not seen yet, once each.',
    remedy: 'Nothing: the key has, or had, tokens.'
  },
  FAUCET_EMPTY: {
    class: 'SwarmError',
    cause: 'The faucet has given what it gives in a day, in all or to one address.',
    remedy: 'Ask again tomorrow; a role that waits does.'
  },
  PORT_IN_USE: {
    class: 'InputError',
    cause: 'Another program has the UDP port that was asked for, or the address is not one of this machine.',
    remedy: 'Choose another `--port` or `--host`, or stop the program that has the port.'
  },
  INSTANCE_ELSEWHERE: {
    class: 'SwarmError',
    cause: 'Another copy of the folder of this identity is connected to the chain.',
    remedy: 'Stop one of them. This one goes on by itself ten seconds after the other is not heard any more.'
  },
  PEER_UNREACHABLE: {
    class: 'SwarmError',
    cause: 'A peer cannot be connected to.',
    remedy: 'Try again later: it is offline, or behind a network that does not let it be reached.'
  },
  HYPERCORE_UNREACHABLE: {
    class: 'SwarmError',
    cause: 'Nobody served a hypercore at the length that is needed.',
    remedy: 'Check that its author or a pinner is online.'
  },
  BLOCK_UNREACHABLE: {
    class: 'SwarmError',
    cause: 'Nobody serves a block of a hypercore.',
    remedy: 'Check that its author or a pinner is online.'
  },
  ORIGINAL_MISMATCH: {
    class: 'ChainError',
    cause: 'The hypercore that a signer found is not the one on the chain: another fork or another tree.',
    remedy: 'Sponsor what its author serves now; nobody can copy what it serves no more.'
  },
  SEGMENT_IDLE: {
    class: 'SwarmError',
    cause: 'The other side of a transfer said nothing, or too little, for too long.',
    remedy: 'Nothing: it is begun again. If it repeats, look at the bandwidth between the two.'
  },
  SEGMENT_PROTOCOL: {
    class: 'SwarmError',
    cause: 'The other side of a transfer sent what is not the protocol.',
    remedy: 'Update both sides.'
  },
  SEGMENT_CLOSED: {
    class: 'SwarmError',
    cause: 'The other side ended a transfer.',
    remedy: 'Nothing: it is begun again.'
  },
  SEGMENT_BUSY: {
    class: 'SwarmError',
    cause: 'The segment is on its way already, over this or another connection.',
    remedy: 'Nothing: it is tried again later.'
  },
  SEGMENT_PRIME_PROOF: {
    class: 'SwarmError',
    cause:
      'The signer hands over another proof about its modulus than the one whose hash it signed, or none.',
    remedy:
      'Nothing: the transfer goes on once the signer sends the right one. Whose signer it is: update it.'
  },
  SEGMENT_HOLES: {
    class: 'SwarmError',
    cause:
      'A signer says that nobody has some blocks, and its pinner found who has them, or has them itself.',
    remedy: 'Nothing: the signer looks again while the draw is open.'
  },
  SEGMENT_SUPERSEDED: {
    class: 'SwarmError',
    cause: 'The signer has begun the transfer again, as after a lost connection, and goes on there.',
    remedy: 'Nothing.'
  },
  SEGMENT_OVER: {
    class: 'SwarmError',
    cause: 'The draw ended while its segment was on its way.',
    remedy: 'Nothing.'
  },
  SEGMENT_LATE: {
    class: 'SwarmError',
    cause:
      'The time to deliver a segment is over; of what came, the part that the signer signed is kept and paid.',
    remedy:
      'Whose signer it is: look at its CPU and bandwidth, and in its log for a peer that was slow or away, or take on less.'
  },
  SEGMENT_POSITION: {
    class: 'SwarmError',
    cause: 'A pinner asked for chunks that were not offered to it.',
    remedy: 'Update the pinner: it does not keep to the protocol.'
  },
  SEGMENT_UNDECIDED: {
    class: 'SwarmError',
    cause: 'A pinner ended a transfer without a verdict.',
    remedy: 'Update the pinner.'
  },
  SEGMENT_FAILED: {
    class: 'SwarmError',
    cause: 'A pinner failed for a reason of its own while it took a segment.',
    remedy: "Whose pinner it is: look into the pinner's log."
  },
  SEGMENT_INCOMPLETE: {
    class: 'ProofError',
    cause: 'A signer ended before it had sent all chunks.',
    remedy: 'Whose signer it is: update it.'
  },
  SEGMENT_SIGNATURE: {
    class: 'ChainError',
    cause: "A signer's signature over its segment does not hold.",
    remedy: 'Whose signer it is: update it.'
  },
  SEGMENT_ROOT: {
    class: 'ProofError',
    cause: 'What a signer signed is not what it sent.',
    remedy: 'Whose signer it is: check its memory, and update it.'
  },
  SEGMENT_MODULUS: {
    class: 'ProofError',
    cause: "A signer's RSA modulus, or its proof that it has at most four primes, does not hold.",
    remedy: 'Whose signer it is: check its memory, and update it.'
  },
  SEGMENT_FACTOR: {
    class: 'ProofError',
    cause: "A factor of the signer's RSA modulus was found, or it shares one with another segment's.",
    remedy: 'Whose signer it is: check where its randomness comes from, guard its keys, and update it.'
  },
  SEGMENT_CONTRADICTION: {
    class: 'ProofError',
    cause: 'A signer signed two things of one segment that exclude each other.',
    remedy: 'Whose signer it is: check its memory, and update it.'
  }
} as const satisfies ErrorArea
