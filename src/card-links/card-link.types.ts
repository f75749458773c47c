/** Why a link died before its time. */
export type CardLinkEnding = 'revoked' | 'replaced' | 'locked';

/** `expired` is read from the clock, never written: a link needs nobody to die on time. */
export type CardLinkStatus = 'active' | 'expired' | CardLinkEnding;

/** All we keep of who looked: no address, no full user agent. */
export type ClientKind = 'phone' | 'computer' | 'robot' | 'other';

/** A link as the marketplace sees it: never its token. */
export type CardLink = Readonly<{
  id: string;
  payoutId: string;
  status: CardLinkStatus;
  requiresPasscode: boolean;
  createdAt: Date;
  expiresAt: Date;
  endedAt: Date | null;
  views: number;
  lastViewedAt: Date | null;
  lastViewedWith: ClientKind | null;
}>;

/** A link at its birth: the only time its URL and passcode exist outside the seller's hands. */
export type MintedCardLink = CardLink & Readonly<{ url: string; passcode?: string }>;
