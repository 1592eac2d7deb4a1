from django.db import migrations

from curation.migrations._shipped import install_templates


class Migration(migrations.Migration):

    dependencies = [
        ('curation', '0016_audit_samples'),
    ]

    operations = [
        migrations.RunPython(install_templates, migrations.RunPython.noop),
    ]
