import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Clock } from '../../shared/clock';
import { Idempotency } from '../http/idempotency.service';
import { ApiPage, Page, PageQuery, toPage } from '../http/page.dto';
import type { MarkedRequest } from '../http/request.types';
import { Refuses } from '../http/refuses.decorator';
import { Roles } from '../http/roles.decorator';
import { ApiKeyView, CreateApiKeyRequest, RotateApiKeyRequest, toApiKeyView } from './api-key.dto';
import { ApiKeysService, MadeApiKey } from './api-keys.service';

@ApiTags('API keys')
@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(
    private readonly apiKeys: ApiKeysService,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {}

  /** Makes a key. The answer shows it once. */
  @Post()
  @Roles('admin')
  @Refuses(422, 'invalid_fields')
  async create(@Req() request: MarkedRequest, @Body() body: CreateApiKeyRequest): Promise<ApiKeyView> {
    return this.idempotency.run(
      request,
      201,
      async (tx) =>
        this.withKey(
          await this.apiKeys.create(tx, {
            name: body.name,
            role: body.role,
            expiresAt: body.expires_at === undefined ? undefined : new Date(body.expires_at),
            createdByApiKeyId: request.apiKey?.id,
          }),
        ),
      { secretFields: ['key'] },
    );
  }

  /** All keys, newest first, without their texts. */
  @Get()
  @Roles('admin', 'auditor')
  @ApiPage(ApiKeyView)
  async list(@Query() query: PageQuery): Promise<Page<ApiKeyView>> {
    const now = this.clock.now();
    return toPage(await this.apiKeys.list(query.limit, query.starting_after), query.limit, (apiKey) =>
      toApiKeyView(apiKey, now),
    );
  }

  /** One key, without its text. */
  @Get(':id')
  @Roles('admin', 'auditor')
  async get(@Param('id') id: string): Promise<ApiKeyView> {
    return toApiKeyView(await this.apiKeys.get(id), this.clock.now());
  }

  /** Ends a key at once. */
  @Delete(':id')
  @HttpCode(200)
  @Roles('admin')
  @Refuses(409, 'last_admin_key')
  async revoke(@Req() request: MarkedRequest, @Param('id') id: string): Promise<ApiKeyView> {
    return this.idempotency.run(request, 200, async (tx) =>
      toApiKeyView(await this.apiKeys.revoke(tx, id), this.clock.now()),
    );
  }

  /** Makes a successor; the old key works on for `overlap_seconds`. The answer shows the new key once. */
  @Post(':id/rotate')
  @Roles('admin')
  @Refuses(409, 'api_key_not_active')
  async rotate(
    @Req() request: MarkedRequest,
    @Param('id') id: string,
    @Body() body: RotateApiKeyRequest,
  ): Promise<ApiKeyView> {
    return this.idempotency.run(
      request,
      201,
      async (tx) => this.withKey(await this.apiKeys.rotate(tx, id, body.overlap_seconds, request.apiKey?.id)),
      { secretFields: ['key'] },
    );
  }

  private withKey({ apiKey, key }: MadeApiKey): ApiKeyView {
    return { ...toApiKeyView(apiKey, this.clock.now()), key };
  }
}
