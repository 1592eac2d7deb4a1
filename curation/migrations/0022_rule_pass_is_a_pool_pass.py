"""A decision of the pool is noted as every pass over it is."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_skip_suspects'),
        ('curation', '0021_list_columns'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='rulepass', name='rule_pass_one_at_a_time'),
        migrations.RenameField(model_name='rulepass', old_name='blocks', new_name='total'),
        migrations.RenameField(model_name='rulepass', old_name='blocks_done', new_name='done'),
        migrations.RenameField(model_name='rulepass', old_name='figures', new_name='found'),
        migrations.RenameField(model_name='rulepass', old_name='heard_at', new_name='told_at'),
        migrations.AddField(
            model_name='rulepass',
            name='cancelled_at',
            field=models.DateTimeField(help_text='when someone asked it to end', null=True),
        ),
        migrations.AddField(
            model_name='rulepass',
            name='doing',
            field=models.CharField(blank=True, help_text='what it is at', max_length=40),
        ),
        migrations.AlterField(
            model_name='rulepass',
            name='action',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.action'),
        ),
        migrations.AlterField(
            model_name='rulepass',
            name='finished_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='rulepass',
            name='found',
            field=models.JSONField(default=dict, help_text='what came of it, counted'),
        ),
        migrations.AlterField(
            model_name='rulepass',
            name='is_one',
            field=models.BooleanField(default=True, editable=False, help_text='the same everywhere: unique while open'),
        ),
        migrations.AlterField(
            model_name='rulepass',
            name='told_at',
            field=models.DateTimeField(help_text='when it last said where it was', null=True),
        ),
        migrations.AddConstraint(
            model_name='rulepass',
            constraint=models.UniqueConstraint(
                condition=models.Q(('cancelled_at', None), ('error', ''), ('finished_at', None)),
                fields=('is_one',),
                name='rulepass_one_at_a_time',
            ),
        ),
    ]
