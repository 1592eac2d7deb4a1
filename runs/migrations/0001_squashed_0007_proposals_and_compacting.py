"""The ledger of paid and executed work: all tables at once, for a new database.

An older one goes on by the single steps that this replaces.
"""

import django.db.models.deletion
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

from web.created_together import created_together


class Migration(migrations.Migration):

    replaces = [('runs', '0001_initial'), ('runs', '0002_planned_at'), ('runs', '0003_finer_costs'), ('runs', '0004_item_reserved'), ('runs', '0005_backend_on_a_runner'), ('runs', '0006_spooled_work'), ('runs', '0007_proposals_and_compacting')]

    initial = True

    dependencies = [
        ('accounts', '__first__'),
    ]

    operations = created_together([
        migrations.CreateModel(
            name='EndpointBucket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('endpoint', models.CharField(max_length=64, unique=True)),
                ('requests_left', models.FloatField()),
                ('tokens_left', models.FloatField()),
                ('filled_at', models.DateTimeField()),
                ('blocked_until', models.DateTimeField(blank=True, null=True)),
                ('answered_at', models.DateTimeField(blank=True, help_text='when it last answered anyone, within seconds', null=True)),
            ],
            options={
                'ordering': ['endpoint'],
            },
        ),
        migrations.CreateModel(
            name='Execution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='sha256 of code, language, input, limits, runtime', max_length=64, unique=True)),
                ('code', models.TextField()),
                ('language', models.CharField(max_length=16)),
                ('stdin', models.TextField(blank=True)),
                ('limits', models.JSONField()),
                ('runtime', models.CharField(max_length=64)),
                ('backend', models.CharField(help_text="bubblewrap, landlock, or remote: and the runner's own", max_length=32)),
                ('status', models.CharField(max_length=16)),
                ('phase', models.CharField(max_length=8)),
                ('stdout', models.TextField(blank=True)),
                ('stderr', models.TextField(blank=True)),
                ('exit_code', models.IntegerField(null=True)),
                ('signal', models.IntegerField(null=True)),
                ('truncated', models.BooleanField(default=False)),
                ('wall_s', models.FloatField()),
                ('cpu_s', models.FloatField()),
                ('peak_rss_bytes', models.BigIntegerField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('status', 'sandbox_error'), _negated=True), name='execution_is_of_the_program')],
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=32)),
                ('title', models.CharField(max_length=200)),
                ('parameters', models.JSONField(default=dict, help_text='What the plan was made from; also the model of each role.')),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('pausing', 'pausing'), ('paused', 'paused'), ('cancelling', 'cancelling'), ('cancelled', 'cancelled'), ('done', 'done'), ('failed', 'failed'), ('over_budget', 'over budget')], default='queued', max_length=16)),
                ('note', models.TextField(blank=True, help_text='Why the run stands where it stands.')),
                ('budget', models.DecimalField(blank=True, decimal_places=9, max_digits=18, null=True)),
                ('reserved', models.DecimalField(decimal_places=9, default=Decimal('0'), max_digits=18)),
                ('spent', models.DecimalField(decimal_places=9, default=Decimal('0'), max_digits=18)),
                ('items_total', models.PositiveIntegerField(default=0)),
                ('items_done', models.PositiveIntegerField(default=0)),
                ('items_failed', models.PositiveIntegerField(default=0)),
                ('items_skipped', models.PositiveIntegerField(default=0)),
                ('calls', models.PositiveIntegerField(default=0, help_text='Requests answered by an endpoint for this run.')),
                ('calls_failed', models.PositiveIntegerField(default=0, help_text='Requests that brought an error and no answer.')),
                ('calls_lost', models.PositiveIntegerField(default=0, help_text='Requests that left; what became of them is unknown.')),
                ('ledger_hits', models.PositiveIntegerField(default=0, help_text='Answers that were already in the ledger, free.')),
                ('rate_samples', models.JSONField(default=list, help_text='Pairs of epoch seconds and items finished, newest last.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('planned_at', models.DateTimeField(blank=True, help_text='empty while its items are being written', null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('compacting_at', models.DateTimeField(blank=True, help_text='sign of life of whoever compacts it now', null=True)),
                ('compacted_at', models.DateTimeField(blank=True, help_text='when that came to its end', null=True)),
                ('compacted_bytes', models.PositiveBigIntegerField(default=0, help_text='what was dropped so far')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['state', 'id'], name='run_by_state')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'running', 'pausing', 'paused', 'cancelling', 'cancelled', 'done', 'failed', 'over_budget'])), name='run_state_known'), models.CheckConstraint(condition=models.Q(('budget__isnull', True), ('budget__gte', 0), _connector='OR'), name='run_budget_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=32)),
                ('title', models.CharField(max_length=200)),
                ('parameters', models.JSONField()),
                ('budget', models.DecimalField(blank=True, decimal_places=9, max_digits=18, null=True)),
                ('asked', models.TextField(blank=True, help_text='The form as it was filled in, to change it.')),
                ('figures', models.JSONField(default=dict, help_text='The quote; while it is worked out, how far that is.')),
                ('error', models.TextField(blank=True)),
                ('asked_at', models.DateTimeField(auto_now_add=True)),
                ('priced_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='proposals', to='runs.run')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Call',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='sha256 of the canonical question', max_length=64, unique=True)),
                ('role', models.CharField(max_length=16)),
                ('endpoint', models.CharField(max_length=64)),
                ('model', models.CharField(max_length=128)),
                ('sample', models.PositiveIntegerField(default=0)),
                ('state', models.CharField(choices=[('done', 'done'), ('failed', 'failed'), ('unknown', 'unknown')], max_length=8)),
                ('request', models.BinaryField(help_text='canonical JSON, zlib; dropped by `runs compact`', null=True)),
                ('response', models.BinaryField(help_text="the endpoint's JSON, zlib", null=True)),
                ('finish_reason', models.CharField(blank=True, max_length=32)),
                ('prompt_tokens', models.PositiveIntegerField(default=0)),
                ('completion_tokens', models.PositiveIntegerField(default=0)),
                ('cost', models.DecimalField(decimal_places=9, help_text='US dollars; null: no price known', max_digits=18, null=True)),
                ('latency_s', models.FloatField(null=True)),
                ('attempts', models.PositiveIntegerField(default=0, help_text='times this question left the house')),
                ('answers', models.PositiveIntegerField(default=0, help_text='times an answer arrived and was paid for')),
                ('lost', models.PositiveIntegerField(default=0, help_text='times nobody knows what became of it')),
                ('error_kind', models.CharField(blank=True, max_length=32)),
                ('error', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('run', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='paid_calls', to='runs.run')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['run', 'lost', 'prompt_tokens', 'completion_tokens', 'latency_s'], name='call_by_run')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['done', 'failed', 'unknown'])), name='call_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('response__isnull', False), _connector='OR'), name='call_done_has_response')],
            },
        ),
        migrations.CreateModel(
            name='Slice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('turn', models.DateTimeField(blank=True, help_text='taken, or a message on its way, until then', null=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='slices', to='runs.run')),
            ],
            options={
                'ordering': ['run', 'number'],
                'constraints': [models.UniqueConstraint(fields=('run', 'number'), name='slice_once_per_run')],
            },
        ),
        migrations.CreateModel(
            name='Worker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=32, unique=True)),
                ('host', models.CharField(max_length=128)),
                ('process', models.PositiveIntegerField()),
                ('outcomes', models.PositiveBigIntegerField(default=0, help_text='outcomes of its spool that stand in the ledger')),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='workers', to='runs.run')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='WorkItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('payload', models.JSONField()),
                ('state', models.CharField(choices=[('pending', 'pending'), ('leased', 'in work'), ('done', 'done'), ('failed', 'failed'), ('skipped', 'skipped')], default='pending', max_length=8)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='times it was taken up and not given back')),
                ('lease_worker', models.CharField(blank=True, help_text='name of the worker that holds it', max_length=32)),
                ('lease_host', models.CharField(blank=True, max_length=128)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('lease_token', models.CharField(blank=True, max_length=32)),
                ('reserved', models.DecimalField(decimal_places=9, default=Decimal('0'), help_text="Set aside of the run's budget while in work.", max_digits=18)),
                ('error_class', models.CharField(blank=True, max_length=64)),
                ('error', models.TextField(blank=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='runs.run')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['run', 'state', 'attempts', 'id'], name='item_by_run_state'), models.Index(condition=models.Q(('state', 'leased')), fields=['lease_until'], name='item_leased')],
                'constraints': [models.UniqueConstraint(fields=('run', 'key'), name='item_once_per_run'), models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'leased', 'done', 'failed', 'skipped'])), name='item_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'leased'), _negated=True), models.Q(('lease_until__isnull', False), models.Q(('lease_token', ''), _negated=True)), _connector='OR'), name='item_leased_has_lease')],
            },
        ),
    ])
