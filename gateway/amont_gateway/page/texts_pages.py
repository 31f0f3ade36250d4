"""Hold the words of the pages around the overview: limits, journal, incidents, authority."""

from __future__ import annotations

PAGE_TEXTS: dict[str, tuple[str, str]] = {
    # limits of a station
    "limits.link": ("Les seuils…", "The limits…"),
    "limits.title": ("Seuils — {name}", "Limits — {name}"),
    "limits.now": ("En vigueur", "In force"),
    "limits.proposed": (
        "{people} propose de nouveaux seuils : {values}. Une autre personne doit être d’accord "
        "avant {time}.",
        "{people} proposes new limits: {values}. A second person must agree before {time}.",
    ),
    "limits.agreed": (
        "Nouveaux seuils, voulus par {people} : {values}. Ils comptent à partir de {time}.",
        "New limits, wanted by {people}: {values}. They count from {time}.",
    ),
    "limits.previous": (
        "Seuils d’avant : {values} (changés {time}, {people}).",
        "Limits before: {values} (changed {time}, {people}).",
    ),
    "limits.bounds": (
        "Chaque seuil doit rester entre {low} et {high}.",
        "Each limit must lie between {low} and {high}.",
    ),
    "limits.how": (
        "Changer prend deux personnes : l’une propose, l’autre est d’accord avec exactement les "
        "mêmes chiffres. Ils comptent après un délai, et les anciens restent écrits ici.",
        "A change takes two people: one proposes, the other agrees to exactly the same numbers. "
        "They count after a delay, and the old ones stay written here.",
    ),
    "limits.change": ("Proposer d’autres seuils", "Propose other limits"),
    "limits.first": (
        "D’abord l’essai sur le passé. Rien n’est encore demandé.",
        "First the trial on the past. Nothing is asked for yet.",
    ),
    "limits.field": ("{level}, en mètres", "{level}, in metres"),
    "limits.try": ("Essayer sur les 90 derniers jours", "Try on the last 90 days"),
    "limits.wrong": ("Ces seuils ne vont pas :", "These limits do not work:"),
    "limits.wrong.number": ("il faut un nombre, comme 1,80", "a number is needed, such as 1.80"),
    "limits.wrong.order": (
        "il doit être plus haut que le seuil d’avant",
        "it must be higher than the limit before",
    ),
    "limits.wrong.bounds": ("il est hors des bornes", "it lies outside the bounds"),
    "limits.trial": ("Essai sur le passé", "Trial on the past"),
    "limits.trial.span": (
        "Du {first} au {last} : {readings} relevés essayés.",
        "From {first} to {last}: {readings} readings tried.",
    ),
    "limits.trial.short": (
        "C’est moins que les {days} jours souhaités : la rivière a pu faire pire avant.",
        "That is less than the {days} days wished for: the river may have done worse before.",
    ),
    "limits.trial.gaps": (
        "Pendant {duration}, aucun capteur n’a donné de relevé valable : ce qui s’est passé alors "
        "n’est pas connu.",
        "For {duration} no sensor gave a valid reading: what happened then is not known.",
    ),
    "limits.trial.none": (
        "Aucun relevé à essayer : on ne sait pas ce que ces seuils auraient fait.",
        "No reading to try: nobody knows what these limits would have done.",
    ),
    "limits.trial.failed": (
        "L’essai sur le passé n’a pas pu se faire : on ne sait pas ce que ces seuils auraient "
        "fait.",
        "The trial on the past failed: nobody knows what these limits would have done.",
    ),
    "limits.table": (
        "Combien de fois chaque niveau aurait été atteint",
        "How often each level would have been reached",
    ),
    "limits.level": ("Niveau", "Level"),
    "limits.new": ("Nouveau", "New"),
    "limits.old": ("En vigueur", "In force"),
    "limits.times.0": ("jamais", "never"),
    "limits.times.1": ("1 fois, {duration}", "once, {duration}"),
    "limits.times.many": ("{count} fois, {duration}", "{count} times, {duration}"),
    "limits.newest": ("Dernières fois avec les nouveaux", "Latest times with the new ones"),
    "limits.reach": (
        "{level} : {moment}, {duration}, jusqu’à {stage}",
        "{level}: {moment}, {duration}, up to {stage}",
    ),
    "limits.ask": ("Proposer ces seuils", "Propose these limits"),
    "limits.ask.note": (
        "Une autre personne aura 10 minutes pour être d’accord.",
        "A second person then has 10 minutes to agree.",
    ),
    "limits.agree": ("Être d’accord avec ces seuils exacts", "Agree to exactly these limits"),
    "limits.agree.button": ("Je suis d’accord", "I agree"),
    "limits.keep": ("Garder les seuils en vigueur", "Keep the limits in force"),
    "limits.keep.note": (
        "Retire ce qui est proposé ou décidé. Une personne suffit.",
        "Withdraws what is proposed or agreed. One person is enough.",
    ),
    # journal
    "journal.title": ("Journal", "Journal"),
    "journal.show": ("Montrer", "Show"),
    "journal.all": ("tout", "everything"),
    "journal.only.alarm": ("les alarmes", "alarms"),
    "journal.only.fault": ("les défauts", "faults"),
    "journal.only.notice": ("ce qui est à noter", "notices"),
    "journal.only.info": ("les informations", "information"),
    "journal.word": ("Contenant le mot", "Holding the word"),
    "journal.filter": ("Filtrer", "Filter"),
    "journal.count": ("{count} sur {all}", "{count} of {all}"),
    "journal.nothing": ("Rien de tel.", "Nothing like that."),
    "journal.audit": (
        "Le registre scellé du gardien a {lines} lignes ; la dernière porte l’empreinte {head}.",
        "The guard’s sealed record has {lines} lines; the newest bears the hash {head}.",
    ),
    # incidents
    "incidents.title": ("Crues et exercices passés", "Past floods and drills"),
    "incidents.none": ("Aucun encore.", "None yet."),
    "incidents.open": ("en cours", "not over"),
    "incidents.drill": ("exercice", "drill"),
    "incidents.report": ("Lire et imprimer le rapport", "Read and print the report"),
    "mayor.title": ("Fiche du maire", "The mayor’s sheet"),
    # authority
    "authority.title": ("Faire confiance à cette page", "Trust this page"),
    "authority.why": (
        "Pour agir, la liaison doit être chiffrée. Cette machine a sa propre autorité, qui ne "
        "vaut que pour ses noms locaux. Chaque téléphone l’installe une fois.",
        "To act, the link must be encrypted. This machine has its own authority, which vouches "
        "for its local names only. Each phone installs it once.",
    ),
    "authority.compare": (
        "Avant de l’accepter, comparez cette empreinte SHA-256 avec celle qu’affiche "
        "« amont-gateway doctor » sur la machine elle-même, ou avec la fiche en mairie :",
        "Before you accept it, compare this SHA-256 fingerprint with what “amont-gateway doctor” "
        "prints on the machine itself, or with the sheet in the town hall:",
    ),
    "authority.differs": (
        "Si elle diffère, n’installez rien et prévenez le technicien.",
        "If it differs, install nothing and call the technician.",
    ),
    "authority.download": ("Télécharger amont.crt", "Download amont.crt"),
    "authority.then": ("Ensuite, ouvrez", "Then open"),
    "authority.android": ("Android", "Android"),
    "authority.android.how": (
        "Téléchargez le fichier. Paramètres, Sécurité, Chiffrement et identifiants, Installer un "
        "certificat, Certificat CA, « Installer quand même », puis choisissez amont.crt.",
        "Download the file. Settings, Security, Encryption and credentials, Install a "
        "certificate, CA certificate, “Install anyway”, then choose amont.crt.",
    ),
    "authority.iphone": ("iPhone, iPad", "iPhone, iPad"),
    "authority.iphone.how": (
        "Avec Safari, téléchargez le fichier et autorisez le profil. Réglages, Profil téléchargé, "
        "Installer. Puis Réglages, Général, Informations, Réglages des certificats : activez "
        "l’autorité Amont.",
        "With Safari, download the file and allow the profile. Settings, Profile Downloaded, "
        "Install. Then Settings, General, About, Certificate Trust Settings: switch the Amont "
        "authority on.",
    ),
    "authority.windows": ("Windows (Edge, Chrome)", "Windows (Edge, Chrome)"),
    "authority.windows.how": (
        "Ouvrez le fichier, Installer un certificat, Ordinateur local, Placer dans le magasin "
        "« Autorités de certification racines de confiance ».",
        "Open the file, Install Certificate, Local Machine, Place in the store “Trusted Root "
        "Certification Authorities”.",
    ),
    "authority.firefox": ("Firefox (ordinateur)", "Firefox (computer)"),
    "authority.firefox.how": (
        "Paramètres, Vie privée et sécurité, Certificats, Afficher les certificats, Autorités, "
        "Importer ; cochez « Identifier des sites web ».",
        "Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import; "
        "tick “identify websites”.",
    ),
}
