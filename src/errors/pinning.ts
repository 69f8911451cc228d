import type { ErrorArea } from './entry.js'

/** What is answered to apps that have hypercores pinned over HTTP, and said of their pins. */
export const pinningErrors = {
  API_KEY_UNKNOWN: {
    class: 'InputError',
    cause: 'A request has no API key, or one that this node does not know or has revoked.',
    remedy: 'Send `Authorization: Bearer KEY` with a key that its operator made by `datdot api-key create`.'
  },
  API_KEY_MISSING: {
    class: 'InputError',
    cause: 'There is no API key of that id, or it is revoked already.',
    remedy: '`datdot api-key list` says which there are.'
  },
  PIN_BODY_LARGE: {
    class: 'InputError',
    cause: 'A request to pin has more bytes than one pin can need.',
    remedy: 'Send one pin a request, with less in `meta`.'
  },
  PIN_QUOTA: {
    class: 'InputError',
    cause: 'The API key has as many pins, or has spent as many tokens, as it may.',
    remedy: 'Delete pins that are not needed, or ask the operator for a key that may more.'
  },
  PIN_TOO_SMALL: {
    class: 'InputError',
    cause: 'What the API key may spend on a pin does not pay the fees of the chain for it.',
    remedy: 'The operator makes a key with a higher `--per-pin`.'
  },
  PIN_WAITS_FOR_PURSE: {
    class: 'DatdotError',
    cause: 'The purse of the node has fewer tokens than the pin costs; it stays queued.',
    remedy: 'The operator sends tokens to the key that `datdot sponsor` prints.'
  },
  PAYMENT_OPEN: {
    class: 'DatdotError',
    cause: 'Whether the chain has taken a payment is not known yet, and it must not be made twice.',
    remedy: 'Nothing: the log is asked, and the payment goes on by itself.'
  }
} as const satisfies ErrorArea
