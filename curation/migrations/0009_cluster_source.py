import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('curation', '0008_clusters'),
    ]

    operations = [
        migrations.AlterField(
            model_name='duplicatecluster',
            name='source',
            field=models.ForeignKey(help_text='that of the representative', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.source'),
        ),
    ]
