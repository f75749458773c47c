import { IsBoolean, IsInt, IsOptional, Max, Min } from 'class-validator';
import { linkLifetimeSecondsMax, linkLifetimeSecondsMin } from './card-link.policy';
import type { CardLink, CardLinkUse, MintedCardLink } from './card-link.types';

export class CreateCardLinkDto {
  /** How long the link works, in seconds; seven days when absent. */
  @IsOptional()
  @IsInt()
  @Min(linkLifetimeSecondsMin)
  @Max(linkLifetimeSecondsMax)
  lifetime_seconds?: number;

  /** The page then asks for a passcode of six digits, which the answer holds once. Tell it to the seller by another way. */
  @IsOptional()
  @IsBoolean()
  require_passcode?: boolean;
}

export class CardLinkView {
  id: string;
  object: 'card_link';
  payout: string;
  /** `active`, `expired`, `revoked`, `replaced` or `locked`. */
  status: string;
  requires_passcode: boolean;
  created_at: string;
  expires_at: string;
  ended_at: string | null;
  /** How often a browser ran the page; mail scanners that only fetch it do not count. */
  views: number;
  last_viewed_at: string | null;
  /** `Safari on iPhone`; `robot` for what says it is one. */
  last_viewed_with: string | null;
  /** When the card was first shown. From then on the link belongs to that browser. */
  revealed_at: string | null;
  /** How often the card was shown. */
  reveals: number;
}

export class CardLinkActivityView {
  at: string;
  /** `opened_page`, `entered_passcode`, `mistyped_passcode` or `showed_card`. */
  action: string;
  /** `Safari on iPhone`; `robot` for what says it is one. */
  client: string;
  /** Null unless `CARD_LINK_ADDRESSES` says what to keep: the network or the whole address. */
  address: string | null;
}

export class CardLinkDetailView extends CardLinkView {
  /** The newest 100 things done with the link, newest first. */
  activity: CardLinkActivityView[];
}

export class MintedCardLinkView extends CardLinkView {
  /** Shown this once; a replay leaves it out. */
  url?: string;
  /** Shown this once. */
  passcode?: string;
  /** True in a replay, which leaves the secret out. */
  secret_shown_once?: boolean;
}

export function toCardLinkView(link: CardLink): CardLinkView {
  return {
    id: link.id,
    object: 'card_link',
    payout: link.payoutId,
    status: link.status,
    requires_passcode: link.requiresPasscode,
    created_at: link.createdAt.toISOString(),
    expires_at: link.expiresAt.toISOString(),
    ended_at: link.endedAt?.toISOString() ?? null,
    views: link.views,
    last_viewed_at: link.lastViewedAt?.toISOString() ?? null,
    last_viewed_with: link.lastViewedWith,
    revealed_at: link.revealedAt?.toISOString() ?? null,
    reveals: link.reveals,
  };
}

export function toCardLinkDetailView(link: CardLink, views: readonly CardLinkUse[]): CardLinkDetailView {
  return {
    ...toCardLinkView(link),
    activity: views.map(({ action, client, address, occurredAt }) => ({
      at: occurredAt.toISOString(),
      action,
      client,
      address,
    })),
  };
}

export function toMintedCardLinkView(link: MintedCardLink): MintedCardLinkView {
  return {
    ...toCardLinkView(link),
    url: link.url,
    ...(link.passcode === undefined ? {} : { passcode: link.passcode }),
  };
}
