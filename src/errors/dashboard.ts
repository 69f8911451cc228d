import type { ErrorArea } from './entry.js'

/** What the dashboard's API answers with. */
export const dashboardErrors = {
  API_ARGUMENT: {
    class: 'InputError',
    cause:
      'A request to the API has a path or a parameter that is not of the form that its description says.',
    remedy: 'Compare with `/api/v1/openapi.json`; the message names what does not fit.'
  },
  API_UNKNOWN: {
    class: 'InputError',
    cause: 'There is no such address, or the chain knows no such key or number.',
    remedy: 'Check it; what is no longer kept one by one is still in the sums over time.'
  },
  API_FOREIGN: {
    class: 'InputError',
    cause: 'A page of another site asked, or a server under a name that this one does not go by.',
    remedy: 'Open the page by its address, or as localhost.'
  },
  API_TOO_MANY: {
    class: 'InputError',
    cause: 'An address asks more often than it may, or more streams are open than there is room for.',
    remedy: 'Wait as long as the header `retry-after` says.'
  },
  API_NOT_READY: {
    class: 'DatdotError',
    cause: 'The program behind the page is still opening its ledger, or is closing.',
    remedy: 'Ask again in some seconds; `/ready` says when.'
  },
  API_FAILED: {
    class: 'DatdotError',
    cause: 'An answer could not be made for a reason of the program that serves it.',
    remedy: 'Ask again; its operator finds the reason in the log.'
  }
} as const satisfies ErrorArea
