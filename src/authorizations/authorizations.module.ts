import { Module } from '@nestjs/common';
import { AuthorizationsService } from './authorizations.service';

/** Decides, holds, releases. */
@Module({
  providers: [AuthorizationsService],
  exports: [AuthorizationsService],
})
export class AuthorizationsModule {}
