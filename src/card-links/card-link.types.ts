/** Why a link died before its time. */
export type CardLinkEnding = 'revoked' | 'replaced' | 'locked';

/** `expired` is read from the clock, never written: a link needs nobody to die on time. */
export type CardLinkStatus = 'active' | 'expired' | CardLinkEnding;

export const cardLinkActions = ['opened_page', 'entered_passcode', 'mistyped_passcode', 'showed_card'] as const;
export type CardLinkAction = (typeof cardLinkActions)[number];

/** A link as the marketplace sees it: never its token. */
export type CardLink = Readonly<{
  id: string;
  payoutId: string;
  connectedAccountId: string;
  status: CardLinkStatus;
  requiresPasscode: boolean;
  createdAt: Date;
  expiresAt: Date;
  endedAt: Date | null;
  /** How often a browser ran the page; fetching it does not count. */
  views: number;
  lastViewedAt: Date | null;
  /** `Safari on iPhone`. */
  lastViewedWith: string | null;
  /** When the card was first shown: from then on the link belongs to that browser. */
  revealedAt: Date | null;
  reveals: number;
}>;

/** A link as its page meets it. `isBoundTo` knows browsers only by the hash of their cookie. */
export type HeldCardLink = CardLink & Readonly<{ isBound: boolean; isBoundTo: (browser: string) => boolean }>;

/** A link at its birth: the only time its URL and passcode exist outside the seller's hands. */
export type MintedCardLink = CardLink & Readonly<{ url: string; passcode?: string }>;

/** One thing somebody did with a link. */
export type CardLinkUse = Readonly<{
  action: CardLinkAction;
  /** `Safari on iPhone`; `robot` for what says it is one. */
  client: string;
  /** Null unless `CARD_LINK_ADDRESSES` says otherwise. */
  address: string | null;
  occurredAt: Date;
}>;

/** Who is at the page, as the request tells it. */
export type Visitor = Readonly<{
  /** The secret in the browser's cookie. */
  browser: string;
  /** With its hints, where it sends any: a borrowed name is often forgotten there. */
  userAgent: string | undefined;
  address: string;
}>;

/** What came of asking to show a card: only `recorded` may be followed by showing it. */
export type RevealOutcome = 'recorded' | 'bound_elsewhere' | 'not_usable';
