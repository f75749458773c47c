import { ApiHideProperty } from '@nestjs/swagger';
import { Allow, IsArray, IsBoolean, IsIn, IsString, MaxLength, ValidateIf } from 'class-validator';

/** May be left out. Null is not "left out": it is refused like any other wrong value. */
const Optional = () => ValidateIf((_body, value) => value !== undefined);

/** A public JSON Web Key (RFC 7517): RSA of at least 2,048 bits, or EC P-256, P-384, P-521, or OKP X25519. */
export class RevealCardBody {
  /** @example "EC" */
  @IsIn(['RSA', 'EC', 'OKP', 'oct'])
  kty: string;

  /** @example "P-256" */
  @Optional()
  @IsString()
  @MaxLength(20)
  crv?: string;

  /** @example "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4" */
  @Optional()
  @IsString()
  @MaxLength(2_048)
  x?: string;

  /** @example "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM" */
  @Optional()
  @IsString()
  @MaxLength(2_048)
  y?: string;

  /** RSA's modulus. */
  @Optional()
  @IsString()
  @MaxLength(2_048)
  n?: string;

  /** RSA's exponent. */
  @Optional()
  @IsString()
  @MaxLength(20)
  e?: string;

  /** `RSA-OAEP-256` for RSA; `ECDH-ES` (default) or `ECDH-ES+A256KW` for curves. */
  @Optional()
  @IsString()
  @MaxLength(40)
  alg?: string;

  /** Comes back in the JWE's header. */
  @Optional()
  @IsString()
  @MaxLength(255)
  kid?: string;

  @Optional()
  @IsString()
  @MaxLength(20)
  use?: string;

  @Optional()
  @IsArray()
  @IsString({ each: true })
  key_ops?: string[];

  @Optional()
  @IsBoolean()
  ext?: boolean;

  // Members of private and symmetric keys: taken in only to be refused by name.
  @ApiHideProperty()
  @Allow()
  d?: unknown;
  @ApiHideProperty()
  @Allow()
  p?: unknown;
  @ApiHideProperty()
  @Allow()
  q?: unknown;
  @ApiHideProperty()
  @Allow()
  dp?: unknown;
  @ApiHideProperty()
  @Allow()
  dq?: unknown;
  @ApiHideProperty()
  @Allow()
  qi?: unknown;
  @ApiHideProperty()
  @Allow()
  oth?: unknown;
  @ApiHideProperty()
  @Allow()
  k?: unknown;
}

export class RevealedCardView {
  /** @example "card_01KAJ0G6W1M4Q8V0T5R2N7XYZA" */
  card: string;
  /** Compact JWE (RFC 7516) with A256GCM; inside: `{number, cvc, exp_month, exp_year}` as JSON. */
  jwe: string;
}
